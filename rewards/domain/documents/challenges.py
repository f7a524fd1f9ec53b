"""The section of challenges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from rewards.domain.challenges.definition import (
    Audience,
    Challenge,
    ChallengeReward,
    Leaving,
    Limits,
    Milestone,
    Recurrence,
    RewardKind,
    SequenceGoal,
    StreakGoal,
    Window,
    WindowKind,
)
from rewards.domain.documents.challenge_goals import GOAL_SCHEMA, goal_to_json, read_goal
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_POINTS,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.programs import Revision

_MOST_DAYS: Final = 3_660
_MOST_COMPLETIONS: Final = 1_000_000_000
_MOST_TARGET: Final = 10**12
_LONGEST_DESCRIPTION: Final = 2_000
_CALENDAR: Final = frozenset({Recurrence.DAILY, Recurrence.WEEKLY, Recurrence.MONTHLY})


def _read(document: Reader) -> tuple[Challenge, ...]:
    return keyed(document, "challenges", _challenge)


def _challenge(reader: Reader) -> Challenge:
    reader.only(
        "key", "name", "description", "goal", "window", "recurrence", "milestones", "rewards", "opt_in",
        "audience", "limits", "rolls_back", "budget",
    )  # fmt: skip
    audience, limits = reader.node("audience"), reader.node("limits")
    audience.only("segment", "tiers", "leaving")
    limits.only("per_customer", "total")
    challenge = Challenge(
        key=reader.key("key"),
        name=reader.text("name"),
        description=_description(reader),
        goal=read_goal(reader.node("goal")),
        window=_window(reader.node("window")),
        recurrence=reader.choice("recurrence", _values(Recurrence), default=Recurrence.NONE),
        milestones=tuple(sorted(map(_milestone, reader.nodes("milestones")), key=lambda each: each.at)),
        rewards=tuple(map(_reward, reader.nodes("rewards"))),
        needs_opt_in=reader.boolean("opt_in"),
        audience=Audience(
            segment=audience.text("segment") if audience.peek("segment") else "",
            tiers=frozenset(audience.texts("tiers")),
            leaving=audience.choice("leaving", _values(Leaving), default=Leaving.GO_ON),
        ),
        limits=Limits(
            per_customer=limits.optional_integer("per_customer", 1, _MOST_COMPLETIONS),
            total=limits.optional_integer("total", 1, _MOST_COMPLETIONS),
        ),
        rolls_back=reader.boolean("rolls_back") if reader.peek("rolls_back") is not None else True,
        budget=reader.key("budget") if reader.peek("budget") else "",
    )
    _check_sense(reader, challenge)
    return challenge


def _values(choices: type[Any]) -> dict[str, Any]:
    return {item.value: item for item in choices}


def _description(reader: Reader) -> str:
    value = reader.peek("description")
    if value is None or (isinstance(value, str) and len(value) <= _LONGEST_DESCRIPTION):
        return value or ""
    reader.refuse("description", "invalid_text", f"A text of at most {_LONGEST_DESCRIPTION} characters.")
    return ""


def _window(reader: Reader) -> Window:
    reader.only("kind", "starts_on", "ends_on", "days")
    kind = reader.choice("kind", _values(WindowKind), default=WindowKind.ALWAYS)
    window = Window(kind)
    if kind is WindowKind.DATES:
        window = Window(kind, _date(reader, "starts_on"), _date(reader, "ends_on"))
        if window.starts_on and window.ends_on and window.ends_on < window.starts_on:
            reader.refuse("ends_on", "before_start", "The window ends before it starts.")
        if not window.starts_on and not window.ends_on:
            reader.refuse("starts_on", "required", "A window of dates has a first or a last day.")
    elif kind is not WindowKind.ALWAYS:
        window = Window(kind, days=reader.integer("days", 1, _MOST_DAYS))
    return window


def _date(reader: Reader, name: str) -> date | None:
    value = reader.peek(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        reader.refuse(name, "invalid_date", "A date as year-month-day is expected.")
        return None


def _milestone(reader: Reader) -> Milestone:
    reader.only("at", "rewards")
    return Milestone(reader.integer("at", 1, _MOST_TARGET), tuple(map(_reward, reader.nodes("rewards"))))


def _reward(reader: Reader) -> ChallengeReward:
    reader.only("kind", "wallet", "points", "coupon", "message")
    kind = reader.choice("kind", _values(RewardKind), default=RewardKind.POINTS)
    if kind is RewardKind.POINTS:
        return ChallengeReward(kind, reader.key("wallet"), reader.integer("points", 1, MOST_POINTS))
    return ChallengeReward(kind, reader.key(kind.value))


def _check_sense(reader: Reader, challenge: Challenge) -> None:
    is_stepwise = isinstance(challenge.goal, StreakGoal | SequenceGoal)
    if challenge.window.kind is WindowKind.ROLLING:
        if is_stepwise:
            reader.refuse("window", "not_combinable", "A streak or sequence has no rolling window.")
        if challenge.recurrence in _CALENDAR:
            reader.refuse(
                "window", "not_combinable", "A rolling window does not go with a calendar recurrence."
            )
    milestones = [milestone.at for milestone in challenge.milestones]
    if len(set(milestones)) != len(milestones):
        reader.refuse("milestones", "duplicate", "Two milestones stand at the same value.")
    if milestones and milestones[-1] >= challenge.goal.target:
        reader.refuse("milestones", "too_large", "A milestone comes before the goal.")
    if not challenge.rewards and not challenge.milestones:
        reader.refuse("rewards", "required", "A challenge rewards its completion or a milestone.")


def _rewards_with_pointers(challenge: Challenge, index: int) -> Iterator[tuple[str, ChallengeReward]]:
    for number, reward in enumerate(challenge.rewards):
        yield f"challenges/{index}/rewards/{number}", reward
    for place, milestone in enumerate(challenge.milestones):
        for number, reward in enumerate(milestone.rewards):
            yield f"challenges/{index}/milestones/{place}/rewards/{number}", reward


def _check(document: Reader, revision: Revision) -> None:
    wallets = {wallet.key for wallet in revision.wallets}
    tiers, budgets = {tier.key for tier in revision.tiers}, {each.key for each in revision.budgets}
    for index, challenge in enumerate(revision.challenges):
        if challenge.budget and challenge.budget not in budgets:
            pointer = f"challenges/{index}/budget"
            document.refuse(pointer, "unknown_budget", f"There is no budget {challenge.budget!r}.")
        for pointer, reward in _rewards_with_pointers(challenge, index):
            if reward.kind is RewardKind.POINTS and reward.key and reward.key not in wallets:
                document.refuse(f"{pointer}/wallet", "unknown_wallet", f"There is no wallet {reward.key!r}.")
        for key in sorted(challenge.audience.tiers - tiers):
            document.refuse(
                f"challenges/{index}/audience/tiers", "unknown_tier", f"There is no tier {key!r}."
            )


def _write(challenges: tuple[Challenge, ...]) -> list[dict[str, Any]]:
    return [challenge_to_json(challenge) for challenge in challenges]


def challenge_to_json(challenge: Challenge) -> dict[str, Any]:
    """Write one challenge as it stands in a document."""
    written: dict[str, Any] = {
        "key": challenge.key,
        "name": challenge.name,
        "description": challenge.description,
        "goal": goal_to_json(challenge.goal),
        "window": _window_to_json(challenge.window),
        "recurrence": challenge.recurrence.value,
        "milestones": [
            {"at": each.at, "rewards": [_reward_to_json(reward) for reward in each.rewards]}
            for each in challenge.milestones
        ],
        "rewards": [_reward_to_json(reward) for reward in challenge.rewards],
        "opt_in": challenge.needs_opt_in,
        "audience": {
            "segment": challenge.audience.segment or None,
            "tiers": sorted(challenge.audience.tiers),
            "leaving": challenge.audience.leaving.value,
        },
        "limits": {"per_customer": challenge.limits.per_customer, "total": challenge.limits.total},
        "rolls_back": challenge.rolls_back,
    }
    return {**written, "budget": challenge.budget} if challenge.budget else written


def _window_to_json(window: Window) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": window.kind.value}
    if window.kind is WindowKind.DATES:
        written["starts_on"] = window.starts_on.isoformat() if window.starts_on else None
        written["ends_on"] = window.ends_on.isoformat() if window.ends_on else None
    elif window.days:
        written["days"] = window.days
    return written


def _reward_to_json(reward: ChallengeReward) -> dict[str, Any]:
    if reward.kind is RewardKind.POINTS:
        return {"kind": reward.kind.value, "wallet": reward.key, "points": reward.points}
    return {"kind": reward.kind.value, reward.kind.value: reward.key}


_REWARDS: Final = {
    "type": "array",
    "items": record(
        ("kind",),
        kind=one_of(RewardKind),
        wallet=KEY_SCHEMA,
        points=whole(1, MOST_POINTS),
        coupon=KEY_SCHEMA,
        message=KEY_SCHEMA,
    ),
}
_DATE: Final = {"type": ["string", "null"], "format": "date"}

SECTION: Final = Section(
    "challenges",
    _read,
    _write,
    check=_check,
    schema={
        "type": "array",
        "items": record(
            ("key", "name", "goal"),
            key=KEY_SCHEMA,
            name=TEXT_SCHEMA,
            description={"type": "string", "maxLength": _LONGEST_DESCRIPTION},
            goal=GOAL_SCHEMA,
            window=record(
                (), kind=one_of(WindowKind), starts_on=_DATE, ends_on=_DATE, days=whole(1, _MOST_DAYS)
            ),
            recurrence=one_of(Recurrence),
            milestones={
                "type": "array",
                "items": record(("at",), at=whole(1, _MOST_TARGET), rewards=_REWARDS),
            },
            rewards=_REWARDS,
            opt_in={"type": "boolean"},
            audience=record(
                (),
                segment={"type": ["string", "null"], "maxLength": 200},
                tiers={"type": "array", "items": KEY_SCHEMA},
                leaving=one_of(Leaving),
            ),
            limits=record(
                (),
                per_customer=whole(1, _MOST_COMPLETIONS, is_optional=True),
                total=whole(1, _MOST_COMPLETIONS, is_optional=True),
            ),
            rolls_back={"type": "boolean"},
            budget=KEY_SCHEMA,
        ),
    },
)
