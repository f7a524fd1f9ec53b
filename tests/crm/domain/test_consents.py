from __future__ import annotations

from datetime import timedelta

import pytest

from crm.domain.consents import Decision, allows, has_channel
from tests.conftest import NOW


def decision(channel: str, hours: int, *, is_granted: bool) -> Decision:
    return Decision("marketing", channel, is_granted, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], None),
        ([decision("sms", 0, is_granted=True)], None),
        ([decision("email", 0, is_granted=True)], True),
        ([decision("any", 0, is_granted=True), decision("email", 1, is_granted=False)], False),
        ([decision("email", 0, is_granted=True), decision("any", 1, is_granted=False)], False),
        ([decision("any", 0, is_granted=False), decision("email", 1, is_granted=True)], True),
        ([decision("any", 0, is_granted=True), decision("email", 0, is_granted=False)], False),
    ],
)
def test_the_newest_decision_counts(decisions: list[Decision], expected: bool | None) -> None:
    assert allows(decisions, "marketing", "email") is expected
    assert allows(decisions, "profiling") is None


def test_only_messages_have_channels() -> None:
    assert has_channel("marketing", "sms")
    assert has_channel("profiling", "any")
    assert not has_channel("profiling", "sms")
