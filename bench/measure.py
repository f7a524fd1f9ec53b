"""How every benchmark reports: one JSON object a line, ratios against a peer measured in the same run."""

from __future__ import annotations

import json


def report(
    bench: str,
    measure: str,
    value: float,
    unit: str,
    *,
    peer: str | None = None,
    ratio: float | None = None,
    goal: str | None = None,
) -> None:
    """Print one measure."""
    line = {
        "bench": bench,
        "measure": measure,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer,
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
    }
    print(json.dumps(line), flush=True)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]
