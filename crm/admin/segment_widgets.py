"""The controls of the rule tree: named by their place, with ids that keep the focus over a swap."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.admin.segment_drafts import BOUGHT, EVENT, RANDOM, SEGMENT, SEQUENCE, Draft

Options = Iterable[tuple[Any, Any]]


class Widgets:
    """Draws the controls of one draft's nodes from the choices of the page."""

    def __init__(self, choices: dict[str, Any]) -> None:
        self.choices = choices

    def dress(self, root: Draft) -> Draft:
        """Give every node its controls: ``node.controls`` by name, ``node.rows`` of a condition."""
        for node in root.walk():
            node.controls = {verb: self.action(node, verb) for verb in ("add", "group", "remove", "where")}
            if node.is_group:
                match = node.fields.get("match", "all")
                label = _("Customers belong when")
                node.controls["match"] = self.select(node, "match", self.choices["matches"], label, match)
            else:
                node.controls["what"] = self._what(node)
                node.rows = self._rows(node)
        return root

    def action(self, node: Draft, verb: str, event: str = "click") -> SafeString:
        """Return the attributes that send the form and put the changed tree in place."""
        return format_html(
            'hx-post="{}" hx-trigger="{}" hx-target="#tree" hx-swap="outerHTML" hx-include="#rule-form"'
            " hx-vals='{}'",
            reverse("segment_tree"),
            event,
            SafeString(json.dumps({"act": f"{verb}:{node.path}"})),
        )

    def _what(self, node: Draft) -> SafeString:
        groups = format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            ((label, _options(options, node.what)) for label, options in self.choices["subjects"]),
        )
        return format_html(
            '<label class="b-grow"><span class="b-hidden">{}</span><select name="{}" id="{}-what" {}>'
            '<option value="">–</option>{}</select></label>',
            _("What"), node.name("what"), node.dom_id, self.action(node, "draw", "change"), groups,
        )  # fmt: skip

    def select(self, node: Draft, of: str, options: Options, label: str, value: str) -> SafeString:
        return format_html(
            '<label><span class="b-hidden">{}</span><select name="{}" id="{}-{}">{}</select></label>',
            label, node.name(of), node.dom_id, of, _options(options, value),
        )  # fmt: skip

    def typed(
        self, node: Draft, of: str, label: str, kind: str = "text", value: str | None = None
    ) -> SafeString:
        extra = {"number": "min=0 step=any", "event": "list=event-names"}.get(kind, "")
        return format_html(
            '<label class="b-rule-value"><span class="b-sub">{}</span><input type="{}" name="{}" id="{}-{}"'
            ' value="{}" maxlength="200" {}></label>',
            label, "number" if kind == "number" else "text", node.name(of), node.dom_id, of,
            node.fields.get(of, "") if value is None else value, SafeString(extra),
        )  # fmt: skip

    def _pick(self, node: Draft, of: str, options: Options, label: str) -> SafeString:
        return self.select(node, of, options, label, node.fields.get(of, ""))

    def _rows(self, node: Draft) -> list[list[SafeString]]:
        if not node.what:
            return []
        if node.kind == SEGMENT:
            return [[self._pick(node, "segment", self.choices["segments"], _("Segment"))]]
        if node.kind == RANDOM:
            percent = [
                self.typed(node, "low", _("From percent"), "number"),
                self.typed(node, "high", _("To percent"), "number"),
            ]
            return [[self.typed(node, "seed", _("Name of the draw")), *percent]]
        if node.kind in {EVENT, SEQUENCE, BOUGHT}:
            return self._behaviour(node)
        ops = self._pick(node, "op", self.choices["ops"], _("Comparison"))
        return [[ops, self.typed(node, "value", _("Value"))]]

    def _behaviour(self, node: Draft) -> list[list[SafeString]]:
        days = self.typed(node, "days", _("In the last days"), "number")
        often = [
            self._pick(node, "times", self.choices["times"], _("How often")),
            self.typed(node, "count", _("Times or amount"), "number"),
        ]
        if node.kind == BOUGHT:
            of = [("", _("of everything")), *self.choices["ofs"]]
            return [
                [
                    self._pick(node, "measure", self.choices["measures"], _("Measure")),
                    self._pick(node, "of", of, _("Of")),
                    self.typed(node, "of_name", _("Name")),
                ],
                [*often, days],
            ]
        event = self.typed(node, "event", _("Event"), "event")
        if node.kind == EVENT:
            return [[event], *self._where(node), [*often, days]]
        then = self.typed(node, "then", _("Then this event"), "event")
        within = self.typed(node, "within", _("Within days"), "number")
        return [[event], *self._where(node), [then, within, days]]

    def _where(self, node: Draft) -> list[list[SafeString]]:
        rows = []
        for number, row in enumerate(node.where):
            ops = self.select(node, f"propop{number}", self.choices["ops"], _("Comparison"), row["propop"])
            name = self.typed(node, f"property{number}", _("Property"), value=row["property"])
            value = self.typed(node, f"propvalue{number}", _("Value"), value=row["propvalue"])
            rows.append([name, ops, value])
        count = format_html('<input type="hidden" name="{}" value="{}">', node.name("where"), len(node.where))
        button = format_html(
            '<button type="button" class="b-button b-slim b-quiet" id="{}-where" {}>+ {}</button>',
            node.dom_id, self.action(node, "where"), _("Property"),
        )  # fmt: skip
        return [*rows, [count, button]]


def _options(options: Options, chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((key, SafeString(" selected") if str(key) == chosen else "", label) for key, label in options),
    )
