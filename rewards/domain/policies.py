"""What holds for the whole program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policies:
    """``backdating_days``: an event older than that earns nothing any more; ``None`` is no limit.

    Within the window an event is judged by the revision that was in force when it happened.
    """

    backdating_days: int | None = None
