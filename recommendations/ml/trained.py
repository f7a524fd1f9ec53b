"""What every training run hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from recommendations.ml.artefacts import Contents
from recommendations.ml.gate import Verdict


class NotEnoughData(ValueError):
    """There is too little history to learn from; not a failure, but the state of a young tenant."""

    def __init__(self, what: str, *, needed: int, found: int) -> None:
        super().__init__(f"needs {needed} {what}, found {found}")
        self.what = what
        self.needed = needed
        self.found = found


def require(found: int, needed: int, what: str) -> None:
    """Raise NotEnoughData unless `found` reaches `needed`."""
    if found < needed:
        raise NotEnoughData(what, needed=needed, found=found)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A fitted model with its figures; `metrics` and `baselines` share their names where they compare."""

    method: str
    rows: int
    customers: int
    parameters: dict[str, Any]
    metrics: dict[str, float]
    baselines: dict[str, float]
    verdict: Verdict
    contents: Contents
    items: int = 0
    figures: dict[str, Any] = field(default_factory=dict)


def rounded(figures: dict[str, float | None]) -> dict[str, float]:
    """Figures as they are stored: six digits, without what could not be measured."""
    return {name: round(float(value), 6) for name, value in figures.items() if value is not None}
