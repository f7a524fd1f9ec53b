"""Segments: the list, one segment, a new one by rule or by list."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.rule_words import in_words
from crm.admin.segment_forms import ConditionRows, RuleForm, StaticForm, Subjects, rule_of
from crm.domain.rules import parse
from crm.models import Customer, Identity, Segment, SegmentKind, SegmentMember
from crm.queries.segment_counts import count_matching
from crm.services import segment_lists, segments
from tenants.admin.error_texts import text_of
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.keys import key_from
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission
from tenants.errors import DomainError, InvalidInput
from tenants.services import jobs

_MEMBERS_SHOWN: Final = 50
_REFRESH_JOB: Final = "crm.refresh_segments"


def described(segment: Segment, currency: str) -> str:
    """Return a segment's rule in words, or what it says of itself."""
    if segment.kind == SegmentKind.RULE:
        return in_words(parse(segment.rule), currency)
    return segment.description


class SegmentsPage(ListPage):
    """Segments with their sizes and how fresh they are."""

    permission = Permission.SEGMENTS_VIEW
    title = gettext_lazy("Segments")
    template_name = "backoffice/segments/list.html"
    orderings = {
        "name": ("name", "id"),
        "members": ("member_count", "id"),
        "refreshed": ("refreshed_at", "id"),
    }
    nullable = frozenset({"refreshed_at"})
    default_ordering = "-members"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Segment]:
        return Segment.objects.all()

    def beside(self, page: Page[Segment]) -> dict[str, Any]:
        currency = self.access.tenant.currency
        return {"segments": [(segment, described(segment, currency)) for segment in page.object_list]}


class SegmentPage(StaffPage):
    """One segment: its rule in words, its freshness, its newest members."""

    permission = Permission.SEGMENTS_VIEW
    template_name = "backoffice/segments/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        segment = get_object_or_404(Segment.objects.all(), public_id=public_id)
        self.title = segment.name
        members = (
            SegmentMember.objects.filter(segment=segment)
            .select_related("customer")
            .prefetch_related("customer__persons", "customer__order_summaries")
            .order_by("-joined_at", "-id")
        )
        rule = described(segment, self.access.tenant.currency)
        return self.page(segment=segment, rule=rule, members=members[:_MEMBERS_SHOWN])


class _RulePage(StaffPage):
    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("New segment by rule")

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def _forms(self, data: Any = None) -> tuple[RuleForm, Any]:
        subjects = Subjects(self.access.tenant.currency)
        rows = ConditionRows(data, prefix="conditions", form_kwargs={"subjects": subjects})
        return RuleForm(data), rows


class CreateRulePage(_RulePage):
    """A segment whose members a rule decides; the count follows while it is written."""

    template_name = "backoffice/segments/create_rule.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form, rows = self._forms()
        return self.page(form=form, conditions=rows)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form, rows = self._forms(request.POST)
        is_valid = all([form.is_valid(), rows.is_valid()])
        rule = rule_of(form.cleaned_data.get("match", "all"), rows) if is_valid else None
        if is_valid and rule is None:
            form.add_error(None, _("Give at least one condition."))
        if rule is not None:
            try:
                with transaction.atomic():
                    segment = self._create(form, rule)
            except InvalidInput as error:
                for wrong in error.errors:
                    form.add_error(None, text_of(wrong.code, wrong.detail))
            else:
                messages.success(request, _("“%(name)s” is made.") % {"name": segment.name})
                return redirect("segment", public_id=segment.public_id)
        return self.page(form=form, conditions=rows, status=422)

    def _create(self, form: RuleForm, rule: dict[str, Any]) -> Segment:
        return segments.create(
            key=_free_key(form.cleaned_data["name"]),
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            kind=SegmentKind.RULE,
            rule=rule,
            by=self.access.actor,
            at=timezone.now(),
        )


class CountPage(_RulePage):
    """How many customers the rule being written takes: a number, put in place by HTMX."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form, rows = self._forms(request.POST)
        match = request.POST.get("match", "all")
        form.is_valid()
        if not rows.is_valid() or match not in {"all", "any"}:
            return self.fragment("backoffice/segments/count.html", count=None)
        rule = rule_of(match, rows)
        if rule is None:
            return self.fragment("backoffice/segments/count.html", count=None)
        try:
            parsed = segments.checked(rule)
        except DomainError:
            return self.fragment("backoffice/segments/count.html", count=None)
        count = count_matching(parsed, at=timezone.now())
        words = in_words(parsed, self.access.tenant.currency)
        return self.fragment("backoffice/segments/count.html", count=count, words=words)


class CreateStaticPage(FormPage):
    """A segment kept by hand: a list of customers."""

    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("New segment by list")
    template_name = "backoffice/segments/create_static.html"
    form_class = StaticForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def save(self, form: Any) -> str:
        now, actor = timezone.now(), self.access.actor
        lines = form.lines()
        ids = _found(lines)
        segment = segments.create(
            key=_free_key(form.cleaned_data["name"]),
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            kind=SegmentKind.STATIC,
            by=actor,
            at=now,
        )
        segment_lists.add_members(segment=segment, customer_ids=set(ids.values()), by=actor, at=now)
        missing = [line for line in lines if line.lower() not in ids and line not in ids]
        if missing:
            text = _("Not found and left out: %(lines)s") % {"lines": ", ".join(missing[:10])}
            messages.warning(self.request, text)
        return reverse("segment", args=[segment.public_id])


class RefreshAll(StaffPage):
    """Ask a worker to recompute every rule segment."""

    http_method_names = ["post", "options"]
    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("Refresh all segments")

    def after_error(self) -> str:
        return reverse("segments")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        job = jobs.start(kind=_REFRESH_JOB, params={}, by=self.access.actor, at=timezone.now())
        return redirect("job", public_id=job.public_id)


def _free_key(name: str) -> str:
    return key_from(name, set(Segment.objects.values_list("key", flat=True)), fallback="segment")


def _found(lines: list[str]) -> dict[str, int]:
    """Return the customers named by external id or e-mail, by what was written."""
    rows = Customer.objects.filter(external_id__in=lines).values_list("external_id", "pk")
    ids = {str(external_id): pk for external_id, pk in rows}
    emails = [line.lower() for line in lines if "@" in line]
    by_email = Identity.objects.filter(kind="email", value__in=emails).values_list("value", "customer_id")
    return {**dict(by_email), **ids}
