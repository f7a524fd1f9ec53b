"""The controls of the rule tree: named by their place, with ids that keep the focus over a swap."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.admin.rule_literals import quoted
from crm.admin.rule_words import subject_label
from crm.admin.segment_drafts import (
    BOUGHT,
    EVENT,
    RANDOM,
    SEGMENT,
    SEQUENCE,
    TEST_FIELDS,
    THEN_WHERE,
    WHERE,
    Draft,
    test_field,
)
from crm.domain.rules import Source

Options = Iterable[tuple[Any, Any]]


class Widgets:
    """Draws the controls of one draft's nodes from the choices of the page."""

    def __init__(self, choices: dict[str, Any]) -> None:
        self.choices = choices

    def dress(self, root: Draft) -> Draft:
        """Give every node its controls: ``node.controls`` by name, ``node.rows`` of a condition."""
        for node in root.walk():
            node.controls = {verb: self.action(node, verb) for verb in ("add", "group", "remove")}
            if node.is_group:
                match = node.fields.get("match", "all")
                label = _("Customers belong when")
                node.controls["match"] = self.select(node, "match", self.choices["matches"], label, match)
            else:
                node.controls["what"] = self._what(node)
                node.rows = self._rows(node)
        return root

    def action(self, node: Draft, verb: str, event: str = "click", rest: str = "") -> SafeString:
        """Return the attributes that send the form and put the changed tree in place."""
        return format_html(
            'hx-post="{}" hx-trigger="{}" hx-target="#tree" hx-swap="outerHTML" hx-include="#rule-form"'
            " hx-vals='{}'",
            reverse("segment_tree"),
            event,
            SafeString(json.dumps({"act": f"{verb}:{node.path}{rest}"})),
        )

    def _what(self, node: Draft) -> SafeString:
        subjects = list(self.choices["subjects"])
        if node.what and node.what not in {key for _label, options in subjects for key, _text in options}:
            subjects.append((_("No longer known"), [(node.what, _unknown(node.what))]))
        groups = format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            ((label, _options(options, node.what)) for label, options in subjects),
        )
        return format_html(
            '<label class="b-grow"><span class="b-hidden">{}</span><select name="{}" id="{}-what" {}>'
            '<option value="">–</option>{}</select></label>',
            _("What"), node.name("what"), node.dom_id, self.action(node, "draw", "change"), groups,
        )  # fmt: skip

    def select(
        self, node: Draft, of: str, options: Options, label: str, value: str, *, redraws: bool = False
    ) -> SafeString:
        """Draw a choice; ``redraws`` where it decides which other fields there are."""
        known = list(options)
        if value and value not in {str(key) for key, _text in known}:
            known.append((value, value))
        return format_html(
            '<label><span class="b-hidden">{}</span><select name="{}" id="{}-{}" {}>{}</select></label>',
            label, node.name(of), node.dom_id, of,
            self.action(node, "draw", "change") if redraws else "", _options(known, value),
        )  # fmt: skip

    def typed(
        self, node: Draft, of: str, label: str, kind: str = "text", value: str | None = None
    ) -> SafeString:
        extra = {"number": "min=0 step=any", "event": "list=event-names"}.get(kind, "")
        return format_html(
            '<label class="b-rule-value"><span class="b-sub">{}</span><input type="{}" name="{}" id="{}-{}"'
            ' value="{}" {}></label>',
            label, kind if kind in {"number", "date"} else "text", node.name(of), node.dom_id, of,
            node.fields.get(of, "") if value is None else value, SafeString(extra),
        )  # fmt: skip

    def _pick(
        self, node: Draft, of: str, options: Options, label: str, *, redraws: bool = False
    ) -> SafeString:
        return self.select(node, of, options, label, node.fields.get(of, ""), redraws=redraws)

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
        window = self._window(node)
        if node.kind == BOUGHT:
            return [self._bought(node), self._often(node), window]
        event = self.typed(node, "event", _("Event"), "event")
        if node.kind == EVENT:
            return [[event], *self._tests(node, WHERE), self._often(node), window]
        then = self.typed(node, "then", _("Then this event"), "event")
        within = self.typed(node, "within", _("Within days"), "number")
        return [
            [event], *self._tests(node, WHERE), [then], *self._tests(node, THEN_WHERE), [within], window,
        ]  # fmt: skip

    def _bought(self, node: Draft) -> list[SafeString]:
        of = [("", _("of everything")), *self.choices["ofs"]]
        row = [
            self._pick(node, "measure", self.choices["measures"], _("Measure")),
            self._pick(node, "of", of, _("Of"), redraws=True),
        ]
        return [*row, self.typed(node, "of_name", _("Name"))] if node.fields.get("of") else row

    def _often(self, node: Draft) -> list[SafeString]:
        row = [self._pick(node, "times", self.choices["times"], _("How often"), redraws=True)]
        times = node.fields.get("times", "")
        if times != "never":
            row.append(self.typed(node, "count", _("Times or amount"), "number"))
        if times == "between":
            row.append(self.typed(node, "most", _("and at most"), "number"))
        return row

    def _window(self, node: Draft) -> list[SafeString]:
        row = [self._pick(node, "window", self.choices["windows"], _("When"), redraws=True)]
        window = node.fields.get("window", "")
        if window == "days":
            row.append(self.typed(node, "days", _("Days"), "number"))
        if window == "dates":
            row.append(self.typed(node, "from", _("From"), "date"))
            row.append(self.typed(node, "to", _("Until"), "date"))
        return row

    def _tests(self, node: Draft, of: str) -> list[list[SafeString]]:
        rows = [self._test(node, of, number, row) for number, row in enumerate(node.tests[of])]
        count = format_html('<input type="hidden" name="{}" value="{}">', node.name(of), len(rows))
        button = format_html(
            '<button type="button" class="b-button b-slim b-quiet" id="{}-{}" {}>+ {}</button>',
            node.dom_id, of, self.action(node, of), _("Property"),
        )  # fmt: skip
        return [*rows, [count, button]]

    def _test(self, node: Draft, of: str, number: int, row: dict[str, str]) -> list[SafeString]:
        name, op, value = (test_field(of, each, number) for each in TEST_FIELDS)
        drop = format_html(
            '<button type="button" class="b-icon-button" id="{}-{}-drop{}" aria-label="{}" {}>×</button>',
            node.dom_id, of, number, _("Remove the property"),
            self.action(node, "drop", rest=f":{of}:{number}"),
        )  # fmt: skip
        return [
            self.typed(node, name, _("Property"), value=row["property"]),
            self.select(node, op, self.choices["ops"], _("Comparison"), row["propop"]),
            self.typed(node, value, _("Value"), value=row["propvalue"]),
            drop,
        ]


def _options(options: Options, chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((key, SafeString(" selected") if str(key) == chosen else "", label) for key, label in options),
    )


def _unknown(what: str) -> str:
    """Name a subject that is among the choices no more: an attribute or a prediction that is gone."""
    kind, _colon, typed = what.partition(":")
    name = quoted(typed) or typed
    return subject_label(Source(kind), name) if kind in list(Source) else what
