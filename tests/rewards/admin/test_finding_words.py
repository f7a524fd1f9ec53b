"""The linter's sentences for staff: one for each reason, with the same values, in the reader's language."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest
from django.utils.translation import override

from rewards.admin import finding_words
from rewards.domain.findings import SENTENCES, Finding, Reason, Severity
from tests.rewards.domain.test_linting import program

REVISION = program(
    {"name": "Welcome"},
    {"name": "Again"},
    tiers=[{"key": "r0", "name": "Gold", "threshold_minor": 0}],
)


def in_words(reason: Reason, pointer: str = "/rules/0", **parameters: Any) -> tuple[str, str, str]:
    finding = Finding(Severity.ERROR, reason, pointer, "r0", parameters)
    said = finding_words.in_words(finding, REVISION, "USD")
    return said.title, said.subject, said.text


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in finding_words._BY_KIND])
def test_every_reason_is_told_with_all_its_values(reason: Reason) -> None:
    named = {name for _text, name, *_rest in Formatter().parse(SENTENCES[reason].english) if name}
    assert set(re.findall(r"%\((\w+)\)s", str(finding_words._TEXTS[reason]))) == named


@pytest.mark.parametrize("kind", ["coupon", "reward", "challenge", "segment", "tier"])
def test_every_kind_of_missing_thing_is_told(kind: str) -> None:
    said = ("Names something that is not there", "Welcome", f"There is no {kind} “gone”.")
    assert in_words(Reason.MISSING, kind=kind, key="gone") == said


@pytest.mark.parametrize("kind", ["wallet", "tier", "challenge"])
def test_every_kind_of_dropped_thing_is_told(kind: str) -> None:
    title, subject, text = in_words(Reason.STILL_HELD, f"/{kind}s", kind=kind, key="gone")
    assert (title, subject.lower(), "“gone”" in text) == ("Members still have it", subject.lower(), True)
    with override("zh-hans"):
        assert in_words(Reason.STILL_HELD, f"/{kind}s", kind=kind, key="gone")[2] != text


@pytest.mark.parametrize(
    ("reason", "values", "english", "chinese"),
    [
        (Reason.CONDITIONS_EXCLUDE, {"field": "order.total_minor"},
         "No value of “order total” fulfils both conditions, so the rule never pays.",
         "“订单总额”没有任何取值能同时满足两个条件，因此该规则永远不会发放。"),
        (Reason.HAS_ENDED, {"ended_on": "2026-03-14"}, "Its last day was 14 Mar 2026.",
         "最后一天是 2026年3月14日。"),
        (Reason.STOPPED_BEFORE, {"other": "r1"}, "“Again” comes first and ends the list.",
         "“Again”排在前面，并在此结束。"),
        (Reason.GIVE_BACK_TOGETHER, {"rules": ["r0", "gone"], "percent": 120},
         "Where all of them pay (Welcome, gone), they give back 120% of the money.",
         "这些规则同时发放时（Welcome、gone），共返还消费金额的 120%。"),
        (Reason.SMALL_ORDER, {"cost_minor": 500, "least_minor": 450},
         "The points cost $5.00, and the smallest order brings $4.50.",
         "这些积分的成本为 US$5.00，而最小订单的金额为 US$4.50。"),
        (Reason.READS_SENSITIVE, {"values": ["size", "topic"]}, "It reads sensitive values: size, topic.",
         "它读取敏感数据：size、topic。"),
    ],
)  # fmt: skip
def test_the_sentence_is_in_the_readers_language(
    reason: Reason, values: dict[str, Any], english: str, chinese: str
) -> None:
    assert in_words(reason, **values)[2] == english
    with override("zh-hans"):
        assert in_words(reason, **values)[2] == chinese


def test_a_finding_names_what_its_pointer_leads_to() -> None:
    assert in_words(Reason.UNCAPPED)[1] == "Welcome"
    assert in_words(Reason.MISSING, "/tiers/0/perks", kind="reward", key="mug")[1] == "Gold"
