"""The models: what is in use, how good it is beside simple baselines, and training again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.admin import measures
from recommendations.models import ModelKind, ModelVersion
from recommendations.queries import model_versions
from tenants.admin.frame import Crumb, StaffPage
from tenants.domain.permissions import Permission
from tenants.services import jobs

_PURPOSE: Final = {
    ModelKind.SEGMENTS: gettext_lazy(
        "Finds groups of customers who behave alike and keeps them as segments."
    ),
    ModelKind.PURCHASE: gettext_lazy("How likely each customer buys in the next 90 days, and how much."),
    ModelKind.CHURN: gettext_lazy("How likely each customer is to stay away."),
    ModelKind.RECOMMENDER: gettext_lazy("What each customer may like next, and what they buy again."),
    ModelKind.SENTIMENT: gettext_lazy(
        "How feedback feels. Until thirty corrections of each kind are there, the model that comes with the "
        "product reads it."
    ),
}
_SYMBOL: Final = {
    ModelKind.SEGMENTS: "bubble_chart",
    ModelKind.PURCHASE: "shopping_cart_checkout",
    ModelKind.CHURN: "trending_down",
    ModelKind.RECOMMENDER: "recommend",
    ModelKind.SENTIMENT: "sentiment_satisfied",
}


class TrainForm(forms.Form):
    model = forms.ChoiceField(choices=[("all", "all"), *ModelKind.choices])


class ModelsPage(StaffPage):
    """Every kind of model with the version in use and the runs before."""

    permission = Permission.MODELS_VIEW
    title = gettext_lazy("Models")
    template_name = "backoffice/models/list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        found = model_versions.overview(most=6)
        return self.page(
            models=[
                {
                    "overview": overview,
                    "kind": overview.kind,
                    "label": overview.kind.label,
                    "purpose": _PURPOSE[overview.kind],
                    "symbol": _SYMBOL[overview.kind],
                    "measures": measures.measures_of(overview.active) if overview.active else [],
                    "verdict": measures.verdict_of(overview.newest) if overview.newest else "",
                    "versions": [(version, measures.verdict_of(version)) for version in overview.versions],
                }
                for overview in found
            ],
            is_training=model_versions.training_jobs_open(),
            has_models=any(overview.newest for overview in found),
        )


class VersionPage(StaffPage):
    """One training run whole: data, parameters, figures, verdict, artefact."""

    permission = Permission.MODELS_VIEW
    template_name = "backoffice/models/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Models"), reverse("models"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        version = get_object_or_404(ModelVersion.objects.all(), public_id=public_id)
        self.title = f"{version.get_kind_display()} #{version.number}"
        return self.page(
            version=version,
            measures=measures.measures_of(version),
            verdict=measures.verdict_of(version),
            parameters=_short(version.parameters),
        )


class TrainPage(StaffPage):
    """Start a training; its job shows the progress."""

    http_method_names = ["post", "options"]
    permission = Permission.MODELS_TRAIN
    title = gettext_lazy("Train")

    def after_error(self) -> str:
        return reverse("models")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = TrainForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("There is no such model."))
            return redirect("models")
        if model_versions.training_jobs_open():
            messages.info(request, _("A training waits or runs already."))
            return redirect("jobs")
        params = {"model": form.cleaned_data["model"]}
        job = jobs.start(
            kind=model_versions.TRAINING_JOB, params=params, by=self.access.actor, at=timezone.now()
        )
        return redirect("job", public_id=job.public_id)


def _short(parameters: dict[str, Any]) -> list[tuple[str, Any]]:
    """Leave long lists out: they are the model, not its settings."""
    return [
        (name, value)
        for name, value in parameters.items()
        if not isinstance(value, list | dict) or len(str(value)) < 200  # noqa: PLR2004 - about three lines
    ]
