"""The challenge builder: one challenge of the draft, without code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from rewards.admin import draft_pages
from rewards.admin.challenge_forms import ChallengeForm, goal_of, initial_of
from rewards.admin.challenge_rows import (
    ConditionRows,
    MilestoneRows,
    PartRows,
    condition_rows,
    given,
    part_rows,
)
from rewards.domain.challenges.definition import Leaving
from rewards.services import drafts
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.keys import key_from
from tenants.admin.untouched import kept, sent
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput

NEW = "new"


class ChallengeEditPage(StaffPage):
    """One challenge of the draft: goal, time, rewards and who it is for."""

    permission = Permission.PROGRAM_EDIT
    template_name = "backoffice/challenges/edit.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Program"), reverse("program")), Crumb(_("Challenges"), reverse("challenges"))]

    @cached_property
    def document(self) -> dict[str, Any]:
        return draft_pages.starting_document(self.access.tenant)

    @cached_property
    def challenge(self) -> dict[str, Any]:
        """The challenge's part of the document; empty for a new one."""
        if self.kwargs["key"] == NEW:
            return {}
        for challenge in self.document["challenges"]:
            if challenge["key"] == self.kwargs["key"]:
                return dict(challenge)
        raise Http404

    @cached_property
    def deep(self) -> bool:
        """Whether the conditions are a tree that rows cannot show; then they stay as they are."""
        try:
            condition_rows(self.challenge.get("goal", {}))
        except ValueError:
            return True
        return False

    def _choices(self) -> dict[str, list[tuple[str, str]]]:
        return {
            "wallet": [(wallet["key"], wallet["name"]) for wallet in self.document["wallets"]],
            "tiers": [(tier["key"], tier["name"]) for tier in self.document["tiers"]],
            "budget": [("", "–"), *((each["key"], each["name"]) for each in self.document["budgets"])],
        }

    def _forms(self, data: Any = None) -> dict[str, Any]:
        currency, written = self.access.tenant.currency, self.challenge
        goal = written.get("goal", {})
        initial = initial_of(written, currency) if written else None
        milestones = [
            {"at": each["at"], "points": sum(reward.get("points", 0) for reward in each["rewards"])}
            for each in written.get("milestones", [])
        ]
        conditions = [] if self.deep else condition_rows(goal)
        form = ChallengeForm(data, initial=initial, currency=currency, choices=self._choices())
        if written:
            # Another kind would count other things: that is another challenge.
            form.fields["kind"].disabled = True
        return {
            "form": form,
            "conditions": ConditionRows(data, prefix="conditions", initial=conditions),
            "parts": PartRows(data, prefix="parts", initial=part_rows(goal)),
            "milestones": MilestoneRows(data, prefix="milestones", initial=milestones),
        }

    def _shown(self, **context: Any) -> HttpResponseBase:
        self.title = self.challenge.get("name") or _("New challenge")
        return self.page(challenge=self.challenge, is_deep=self.deep, **context)

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        return self._shown(**self._forms())

    def post(self, request: HttpRequest, key: str) -> HttpResponseBase:
        if "remove" in request.POST:
            return self._removed()
        parts = self._forms(request.POST)
        errors: list[str] = []
        if all([part.is_valid() for part in parts.values()]):  # noqa: C419 - every part shows its errors
            challenge = self._changed(parts)
            try:
                with transaction.atomic():
                    self._save(challenge)
            except InvalidInput as error:
                errors = [draft_pages.said(wrong) for wrong in error.errors]
            else:
                messages.success(request, _("“%(name)s” is saved.") % {"name": challenge["name"]})
                return redirect("program_edit")
        return self._shown(errors=errors, **parts, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _changed(self, parts: dict[str, Any]) -> dict[str, Any]:
        """Return the challenge as it was but for what was changed in the form."""
        written = self._written(parts)
        shown = self._forms(sent(*self._forms().values()))
        if not self.challenge or not all(part.is_valid() for part in shown.values()):
            return written
        return dict(kept(self.challenge, self._written(shown), written))

    def _written(self, parts: dict[str, Any]) -> dict[str, Any]:
        form, former = parts["form"], self.challenge
        values = form.cleaned_data
        goal = goal_of(form, parts["conditions"], parts["parts"], former.get("goal", {}))
        if self.deep and "match" in goal:
            goal["match"]["where"] = former["goal"]["match"]["where"]
        taken = {each["key"] for each in self.document["challenges"]}
        return {
            "key": former.get("key") or key_from(values["name"], taken, fallback="challenge"),
            "name": values["name"],
            "description": values["description"],
            "goal": goal,
            "window": _window(values),
            "recurrence": values["recurrence"],
            "milestones": [
                {"at": row["at"], "rewards": _points(values["wallet"], row.get("points"))}
                for row in given(parts["milestones"])
                if row.get("at")
            ],
            "rewards": _rewards(values),
            "opt_in": values["opt_in"],
            "audience": {
                "segment": values["segment"] or None,
                "tiers": values["tiers"],
                "leaving": values["leaving"] or Leaving.GO_ON.value,
            },
            "limits": {"per_customer": values["per_customer"], "total": values["total"]},
            "rolls_back": values["rolls_back"],
            **({"budget": values["budget"]} if values["budget"] else {}),
        }

    def _save(self, challenge: dict[str, Any]) -> None:
        there = self.document["challenges"]
        is_known = any(each["key"] == challenge["key"] for each in there)
        kept = [challenge if each["key"] == challenge["key"] else each for each in there]
        self._store(kept if is_known else [*there, challenge])

    def _removed(self) -> HttpResponseBase:
        key = self.challenge.get("key")
        self._store([each for each in self.document["challenges"] if each["key"] != key])
        name = {"name": self.challenge.get("name", "")}
        messages.success(self.request, _("“%(name)s” is removed from the draft.") % name)
        return redirect("program_edit")

    def _store(self, challenges: list[dict[str, Any]]) -> None:
        drafts.save(
            document={**self.document, "challenges": challenges},
            by=self.access.actor,
            at=timezone.now(),
        )


def _window(values: dict[str, Any]) -> dict[str, Any]:
    window: dict[str, Any] = {"kind": values["window"]}
    if values["window"] == "dates":
        for name in ("starts_on", "ends_on"):
            window[name] = values[name].isoformat() if values[name] else None
    elif values["window"] != "always":
        window["days"] = values["days"]
    return window


def _points(wallet: str, points: int | None) -> list[dict[str, Any]]:
    return [{"kind": "points", "wallet": wallet, "points": points}] if points else []


def _rewards(values: dict[str, Any]) -> list[dict[str, Any]]:
    rewards = _points(values["wallet"], values["points"])
    rewards += [{"kind": kind, kind: values[kind]} for kind in ("coupon", "message") if values[kind]]
    return rewards
