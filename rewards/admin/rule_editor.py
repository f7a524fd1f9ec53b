"""The rule builder: one earning rule of the draft, without code."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import draft_pages, expiry_fields
from rewards.admin.rule_conditions import (
    ALL,
    LINES,
    ConditionRows,
    event_facts,
    line_facts,
    rows_of,
    tree_of,
)
from rewards.admin.rule_forms import RuleForm, moment, rule_values
from rewards.admin.rule_rows import CapRows, GrantRows, cap_values, grant_values
from rewards.services import drafts
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.json_fields import OptionalJsonField
from tenants.admin.keys import key_from
from tenants.admin.untouched import kept, sent
from tenants.domain.permissions import Permission
from tenants.errors import InvalidInput

NEW = "new"
_POINT_TYPES = frozenset({"points", "multiplier", "formula"})


class DeepForm(StaffForm):
    """Rule trees too deep for rows, as JSON; empty where rows say it all."""

    when = OptionalJsonField(
        label=gettext_lazy("Conditions as JSON"),
        widget=forms.Textarea(attrs={"rows": 6, "class": "b-mono"}),
        help_text=gettext_lazy("For conditions deeper than groups. Written here they replace the rows."),
    )  # fmt: skip
    lines = OptionalJsonField(
        label=gettext_lazy("Lines that count as JSON"),
        widget=forms.Textarea(attrs={"rows": 6, "class": "b-mono"}),
        help_text=gettext_lazy("For conditions deeper than groups. Written here they replace the rows."),
    )  # fmt: skip


class RulePage(StaffPage):
    """One rule of the draft: what it answers to, what it asks, what it gives and its limits."""

    permission = Permission.PROGRAM_EDIT
    template_name = "backoffice/program/rule.html"

    def crumbs(self) -> list[Crumb]:
        return [
            Crumb(_("Program"), reverse("program")),
            Crumb(_("Edit the program"), reverse("program_edit")),
        ]

    @cached_property
    def document(self) -> dict[str, Any]:
        return draft_pages.starting_document(self.access.tenant)

    @cached_property
    def rule(self) -> dict[str, Any]:
        """The rule's part of the document; that of a new one is nearly empty."""
        key = self.kwargs["key"]
        if key == NEW:
            wallet = self.document["wallets"][0]["key"]
            return {"key": "", "name": "", "trigger": "order", "priority": 100, "stops": False,
                    "effects": [{"type": "points", "wallet": wallet, "points": 1}]}  # fmt: skip
        for rule in self.document["rules"]:
            if rule["key"] == key:
                return dict(rule)
        raise Http404

    def _choices(self) -> dict[str, list[tuple[str, str]]]:
        document = self.document
        return {
            "wallet": [(wallet["key"], wallet["name"]) for wallet in document["wallets"]],
            "budget": [("", "–"), *((each["key"], each["name"]) for each in document["budgets"])],
        }

    def _forms(self, data: Any = None) -> dict[str, Any]:
        currency, rule = self.access.tenant.currency, self.rule
        values, deep = rule_values(rule, currency), {}
        rows: dict[str, list[dict[str, Any]]] = {}
        for name, prefix in (("when", ""), ("lines", LINES)):
            try:
                rows[name], modes, match = rows_of(rule.get(name), currency)
            except ValueError:
                rows[name], deep[name] = [], rule[name]
            else:
                values |= {f"{prefix}mode_{letter}": mode for letter, mode in modes.items()}
                values[f"{prefix}match"] = match
        grants = [grant_values(each) for each in rule["effects"] if each["type"] not in _POINT_TYPES]
        caps = [cap_values(each) for each in rule.get("caps", [])]
        initial = None if data is not None else values

        def rows_form(factory: Any, prefix: str, first: list[dict[str, Any]], **extra: Any) -> Any:
            return factory(
                data, prefix=prefix, initial=None if data is not None else first, form_kwargs=extra
            )

        facts = {"currency": currency, "facts": event_facts()}
        return {
            "form": RuleForm(
                data,
                initial=initial,
                currency=currency,
                choices=self._choices(),
                key=rule["key"],
                audience=rule.get("audience", []),
            ),
            "deep": DeepForm(data, prefix="deep", initial=deep if data is None else None),
            "conditions": rows_form(ConditionRows, "conditions", rows["when"], **facts),
            "lines": rows_form(ConditionRows, "lines", rows["lines"], **{**facts, "facts": line_facts()}),
            "grants": rows_form(GrantRows, "grants", grants),
            "caps": rows_form(CapRows, "caps", caps),
        }

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        self.title = self.rule["name"] or _("New rule")
        return self.page(rule=self.rule, **self._forms())

    def post(self, request: HttpRequest, key: str) -> HttpResponseBase:
        self.title = self.rule["name"] or _("New rule")
        if "remove" in request.POST:
            return self._removed()
        parts = self._forms(request.POST)
        errors: list[str] = []
        if all([part.is_valid() for part in parts.values()]):  # noqa: C419 - every part shows its errors
            rule = self._changed(parts)
            try:
                with transaction.atomic():
                    self._save(rule)
            except InvalidInput as error:
                errors = draft_pages.place(error.errors, {self._place(rule): parts["form"]})
            else:
                messages.success(request, _("“%(name)s” is saved.") % {"name": rule["name"]})
                return redirect("program_edit")
        return self.page(rule=self.rule, errors=errors, **parts, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _changed(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rule as it was but for what was changed in the form."""
        written = self._rule(parts)
        shown = self._forms(sent(*self._forms().values()))
        if not self.rule["key"] or not all(part.is_valid() for part in shown.values()):
            return written
        return dict(kept(self.rule, self._rule(shown), written))

    def _place(self, rule: Mapping[str, Any]) -> str:
        """Return where the rule stands in the document that was refused."""
        keys = [each["key"] for each in self.document["rules"]]
        return f"rules/{keys.index(rule['key']) if rule['key'] in keys else len(keys)}"

    def _rule(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        form = parts["form"]
        values = form.cleaned_data
        taken = {each["key"] for each in self.document["rules"]}
        points = form.points_effect()
        effects = ([points] if points else []) + [row.effect() for row in parts["grants"] if row.is_given()]
        rows = tree_of(parts["conditions"], form.modes_of(), values["match"] or ALL)
        lines = tree_of(parts["lines"], form.modes_of(LINES), values["lines_match"] or ALL)
        optional = {
            "event": values["event"] if values["trigger"] == "event" else "",
            "group": values["group"],
            "starts_at": moment(values["starts_at"]),
            "ends_at": moment(values["ends_at"]),
            "audience": values["audience"],
            "when": parts["deep"].cleaned_data["when"] or rows,
            "lines": parts["deep"].cleaned_data["lines"] or lines,
            "caps": [row.cap() for row in parts["caps"] if row.is_given()],
            "budget": values["budget"],
            "expiry": expiry_fields.written(values, "expiry") if points else None,
        }
        return {
            "key": self.rule["key"] or key_from(values["name"], taken, fallback="rule"),
            "name": values["name"],
            "trigger": values["trigger"],
            "priority": values["priority"],
            "stops": values["stops"],
            "effects": effects,
            **{name: value for name, value in optional.items() if value},
        }

    def _save(self, rule: dict[str, Any]) -> None:
        rules = self.document["rules"]
        is_known = any(each["key"] == rule["key"] for each in rules)
        kept = [rule if each["key"] == rule["key"] else each for each in rules]
        self._store(kept if is_known else [*rules, rule])

    def _removed(self) -> HttpResponseBase:
        self._store([each for each in self.document["rules"] if each["key"] != self.rule["key"]])
        messages.success(
            self.request, _("“%(name)s” is removed from the draft.") % {"name": self.rule["name"]}
        )
        return redirect("program_edit")

    def _store(self, rules: list[dict[str, Any]]) -> None:
        drafts.save(document={**self.document, "rules": rules}, by=self.access.actor, at=timezone.now())
