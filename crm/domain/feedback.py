"""What customers say: kinds and their scales, what counts as bad, and the net promoter score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LONGEST_TEXT = 5_000
# Beyond these a score speaks; between them a text is mixed.
POSITIVE_FROM = 0.25
NEGATIVE_BELOW = -0.25
_PROMOTER_FROM = 9
_DETRACTOR_TO = 6


class Kind(StrEnum):
    NPS = "nps"
    CSAT = "csat"
    REVIEW = "review"
    TICKET = "ticket"


class Feeling(StrEnum):
    POSITIVE = "positive"
    MIXED = "mixed"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Scale:
    """Lowest and highest rating; up to ``bad_to`` somebody is to be won back."""

    lowest: int
    highest: int
    bad_to: int


SCALE_BY_KIND: dict[Kind, Scale | None] = {
    Kind.NPS: Scale(0, 10, _DETRACTOR_TO),
    Kind.CSAT: Scale(1, 5, 2),
    Kind.REVIEW: Scale(1, 5, 2),
    Kind.TICKET: None,
}


def rating_flaw(kind: Kind, rating: int | None) -> str:
    """Return why ``rating`` cannot be one of ``kind``; empty when it can."""
    scale = SCALE_BY_KIND[kind]
    if rating is None:
        return "" if kind in {Kind.TICKET, Kind.REVIEW} else "This kind needs a rating."
    if scale is None:
        return "A ticket has no rating."
    if not scale.lowest <= rating <= scale.highest:
        return f"From {scale.lowest} to {scale.highest}."
    return ""


def assumed_kind(*, has_item: bool, has_rating: bool) -> Kind:
    """Return the kind of feedback that does not say what it is."""
    if has_item:
        return Kind.REVIEW
    return Kind.CSAT if has_rating else Kind.TICKET


def feeling_of(score: float) -> Feeling:
    """Return the word for a score between -1 and 1."""
    if score >= POSITIVE_FROM:
        return Feeling.POSITIVE
    return Feeling.NEGATIVE if score < NEGATIVE_BELOW else Feeling.MIXED


def score_of_rating(kind: Kind, rating: int) -> float:
    """Return a rating on the scale of sentiment, from -1 to 1."""
    scale = SCALE_BY_KIND[kind]
    if scale is None:
        raise ValueError(f"{kind} has no scale")
    middle, half = (scale.highest + scale.lowest) / 2, (scale.highest - scale.lowest) / 2
    return (rating - middle) / half


def needs_recovery(kind: Kind, rating: int | None, score: float | None) -> bool:
    """Whether somebody should be won back: a bad rating, or bad words where no good rating contradicts."""
    scale = SCALE_BY_KIND[kind]
    if rating is not None and scale is not None:
        if rating <= scale.bad_to:
            return True
        if rating == scale.highest:
            return False
    return score is not None and score < NEGATIVE_BELOW


def net_promoter_score(ratings: Iterable[int]) -> float | None:
    """Promoters (9-10) less detractors (0-6), from -100 to 100; None without ratings (Reichheld 2003)."""
    given = list(ratings)
    if not given:
        return None
    promoters = sum(rating >= _PROMOTER_FROM for rating in given)
    detractors = sum(rating <= _DETRACTOR_TO for rating in given)
    return 100 * (promoters - detractors) / len(given)


# How much an opinion counts that came one later than another of the same customer.
_FADING = 0.7


def sentiment_traits(scores: list[float]) -> tuple[float, float | None]:
    """From scores, newest first, to the level now and how it changed; the change needs two opinions.

    The level is a mean in which each older opinion counts 0.7 of the next; the change is the newest score
    less the level before it.
    """
    level = _faded_mean(scores)
    return level, scores[0] - _faded_mean(scores[1:]) if len(scores) > 1 else None


def _faded_mean(scores: list[float]) -> float:
    weights = [_FADING**age for age in range(len(scores))]
    return sum(weight * score for weight, score in zip(weights, scores, strict=True)) / sum(weights)
