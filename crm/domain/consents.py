"""What a customer allows: the newest decision about a channel, or about any channel, counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

ANY_CHANNEL = "any"
# Purposes that speak to somebody have channels; the others are about data and hold for all of them.
PURPOSES_WITH_CHANNELS = frozenset({"marketing", "service", "research"})


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a purpose on a channel."""

    purpose: str
    channel: str
    is_granted: bool
    decided_at: datetime


def allows(decisions: Iterable[Decision], purpose: str, channel: str = ANY_CHANNEL) -> bool | None:
    """Return whether the newest decision about this channel or any allows it; None when nobody decided.

    Of two decisions at one moment the withdrawal counts.
    """
    fitting = [
        each for each in decisions if each.purpose == purpose and each.channel in {channel, ANY_CHANNEL}
    ]
    newest = max(fitting, key=lambda each: (each.decided_at, not each.is_granted), default=None)
    return newest.is_granted if newest else None


def has_channel(purpose: str, channel: str) -> bool:
    """Tell whether the purpose can be decided for this channel."""
    return channel == ANY_CHANNEL or purpose in PURPOSES_WITH_CHANNELS
