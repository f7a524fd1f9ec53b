"""Whether a new model may replace the one in use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why the gate answered as it did."""

    BETTER = "better"
    FIRST = "first"
    NOT_ABOVE_BASELINE = "not_above_baseline"
    BELOW_CURRENT = "below_current"
    UNSTABLE = "unstable"
    UNMEASURED = "unmeasured"
    BASELINE_SERVES = "baseline_serves"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer with the figures it rests on."""

    accepted: bool
    reason: Reason
    measure: str
    candidate: float | None
    baseline: float | None
    current: float | None

    def __str__(self) -> str:
        figures = [f"{self.measure} {_figure(self.candidate)}", f"baseline {_figure(self.baseline)}"]
        if self.current is not None:
            figures.append(f"current {_figure(self.current)}")
        answer = "accepted" if self.accepted else "rejected"
        return f"{answer}: {self.reason.replace('_', ' ')} ({', '.join(figures)})"


def judge(
    *,
    measure: str,
    candidate: float | None,
    baseline: float | None,
    current: float | None = None,
    higher_is_better: bool = True,
    tolerance: float = 0.0,
) -> Verdict:
    """Accept a candidate that beats the baseline and is not below the current model, all on one window.

    The baseline must be beaten; a tie with the current model within `tolerance` is accepted, because the same
    model on fresher data is what retraining is for. Without a closed window (`candidate` or `baseline` None)
    nothing is measured: only the first model passes, since no model at all would serve worse.
    """

    def verdict(accepted: bool, reason: Reason) -> Verdict:
        return Verdict(accepted, reason, measure, candidate, baseline, current)

    if candidate is None or baseline is None:
        return verdict(accepted=current is None, reason=Reason.UNMEASURED)
    sign = 1.0 if higher_is_better else -1.0
    if sign * candidate <= sign * baseline:
        return verdict(accepted=False, reason=Reason.NOT_ABOVE_BASELINE)
    if current is None:
        return verdict(accepted=True, reason=Reason.FIRST)
    if sign * candidate < sign * current - tolerance:
        return verdict(accepted=False, reason=Reason.BELOW_CURRENT)
    return verdict(accepted=True, reason=Reason.BETTER)


def _figure(value: float | None) -> str:
    return "unmeasured" if value is None else f"{value:.4f}"
