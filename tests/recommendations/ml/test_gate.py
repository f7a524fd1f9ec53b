from __future__ import annotations

import pytest

from recommendations.ml.gate import Reason, judge


@pytest.mark.parametrize(
    ("candidate", "baseline", "current", "higher", "accepted", "reason"),
    [
        (0.8, 0.7, None, True, True, Reason.FIRST),
        (0.7, 0.7, None, True, False, Reason.NOT_ABOVE_BASELINE),
        (0.8, 0.7, 0.79, True, True, Reason.BETTER),
        (0.8, 0.7, 0.8, True, True, Reason.BETTER),
        (0.8, 0.7, 0.81, True, False, Reason.BELOW_CURRENT),
        (0.6, 0.7, 0.5, True, False, Reason.NOT_ABOVE_BASELINE),
        (0.10, 0.12, 0.11, False, True, Reason.BETTER),
        (0.12, 0.10, None, False, False, Reason.NOT_ABOVE_BASELINE),
        (0.10, 0.12, 0.09, False, False, Reason.BELOW_CURRENT),
        (None, 0.5, None, True, True, Reason.UNMEASURED),
        (None, None, 0.5, True, False, Reason.UNMEASURED),
    ],
)
def test_gate(*, candidate, baseline, current, higher, accepted, reason) -> None:
    verdict = judge(
        measure="auc", candidate=candidate, baseline=baseline, current=current, higher_is_better=higher
    )
    assert (verdict.accepted, verdict.reason) == (accepted, reason)


def test_tolerance_forgives_noise_against_the_current_model_only() -> None:
    assert judge(measure="m", candidate=0.799, baseline=0.7, current=0.8, tolerance=0.002).accepted
    assert not judge(measure="m", candidate=0.7, baseline=0.7, current=None, tolerance=0.1).accepted


def test_the_report_gives_the_figures() -> None:
    assert str(judge(measure="auc", candidate=0.81, baseline=0.75, current=0.8125)) == (
        "rejected: below current (auc 0.8100, baseline 0.7500, current 0.8125)"
    )
    assert str(judge(measure="auc", candidate=None, baseline=None)) == (
        "accepted: unmeasured (auc unmeasured, baseline unmeasured)"
    )
