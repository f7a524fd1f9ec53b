"""Challenges and tiers in the words staff use."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.rules import AllOf, AnyOf, Condition, Not, Rule
from rewards.admin import condition_words
from rewards.domain.challenges.definition import (
    Challenge,
    ChallengeReward,
    CountGoal,
    DistinctGoal,
    EventMatch,
    Leaving,
    Match,
    OrderAspect,
    Recurrence,
    RewardKind,
    SequenceGoal,
    SetGoal,
    SimpleGoal,
    StreakGoal,
    StreakUnit,
    SumGoal,
    WindowKind,
)
from tenants.admin import formats

KIND_LABELS: Final[dict[str, str | Promise]] = {
    "count": gettext_lazy("Do something a number of times"),
    "sum": gettext_lazy("Reach a sum"),
    "distinct": gettext_lazy("Collect different values"),
    "streak": gettext_lazy("Keep a streak"),
    "sequence": gettext_lazy("Do steps in order"),
    "set": gettext_lazy("Finish several tasks"),
}
RECURRENCE_LABELS: Final[dict[str, str | Promise]] = {
    Recurrence.NONE.value: gettext_lazy("once"),
    Recurrence.DAILY.value: gettext_lazy("every day"),
    Recurrence.WEEKLY.value: gettext_lazy("every week"),
    Recurrence.MONTHLY.value: gettext_lazy("every month"),
    Recurrence.ON_COMPLETION.value: gettext_lazy("again after each completion"),
}
WINDOW_LABELS: Final[dict[str, str | Promise]] = {
    WindowKind.ALWAYS.value: gettext_lazy("any time"),
    WindowKind.DATES.value: gettext_lazy("between two dates"),
    WindowKind.ROLLING.value: gettext_lazy("within a number of days"),
    WindowKind.SINCE_JOINING.value: gettext_lazy("in the first days of membership"),
}
_ASPECT_LABELS: Final[dict[OrderAspect, Promise]] = {
    OrderAspect.SKU: gettext_lazy("items"),
    OrderAspect.CATEGORY: gettext_lazy("categories"),
    OrderAspect.CHANNEL: gettext_lazy("channels"),
}
LEAVING_LABELS: Final[dict[str, str | Promise]] = {
    Leaving.GO_ON.value: gettext_lazy("who has begun goes on"),
    Leaving.PAUSE.value: gettext_lazy("who has begun waits until they are in it again"),
}


def match_in_words(match: Match, currency: str) -> str:
    """Write what counts: “lesson_completed” or “orders with GROCERY [order total at least €20.00]”."""
    if isinstance(match, EventMatch):
        what, subject = match.name, ""
    else:
        named = sorted(match.categories) + sorted(match.skus)
        what = _("orders with %(names)s") % {"names": ", ".join(named)} if named else _("orders")
        subject = "order."
    return what if match.where is None else f"{what} [{_where(match.where, subject, currency)}]"


def _where(rule: Rule, subject: str, currency: str) -> str:
    """Write conditions on the facts of a subject: ``order.`` for orders, nothing for properties of events."""
    if isinstance(rule, AllOf):
        return _(" and ").join(_where(each, subject, currency) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return _(" or ").join(_where(each, subject, currency) for each in rule.rules)
    if isinstance(rule, Not):
        return _("not (%(condition)s)") % {"condition": _where(rule.rule, subject, currency)}
    if not isinstance(rule, Condition):
        return ""
    return condition_words.condition(f"{subject}{rule.name}", rule.op.value, rule.value, currency)


def goal_in_words(challenge: Challenge, currency: str) -> str:
    """Write the goal in one line."""
    goal = challenge.goal
    if isinstance(goal, SequenceGoal):
        return " → ".join(step.name for step in goal.steps)
    if isinstance(goal, SetGoal):
        names = ", ".join(task.name for task in goal.tasks)
        return _("%(needed)s of: %(names)s") % {"needed": goal.needed, "names": names}
    return _streak_in_words(goal, currency) if isinstance(goal, StreakGoal) else _simply(goal, currency)


def parts_in_words(challenge: Challenge, currency: str) -> list[str]:
    """Write what each task of a set and each step of a sequence asks for; other goals have no parts."""
    goal = challenge.goal
    if isinstance(goal, SequenceGoal):
        return [f"{step.name}: {match_in_words(step.match, currency)}" for step in goal.steps]
    if isinstance(goal, SetGoal):
        return [f"{task.name}: {_simply(task.goal, currency)}" for task in goal.tasks]
    return []


def _simply(goal: SimpleGoal, currency: str) -> str:
    what, target = match_in_words(goal.match, currency), formats.number(goal.target)
    if isinstance(goal, CountGoal):
        return _("%(target)s × %(what)s") % {"target": target, "what": what}
    if isinstance(goal, DistinctGoal):
        return _distinct_in_words(goal, what, target)
    return _sum_in_words(goal, what, currency)


def _streak_in_words(goal: StreakGoal, currency: str) -> str:
    is_daily = goal.unit is StreakUnit.DAY
    what, target = match_in_words(goal.match, currency), formats.number(goal.target)
    unit = _("days") if is_daily else _("weeks")
    said = [_("%(what)s %(target)s %(unit)s on end") % {"what": what, "target": target, "unit": unit}]
    if goal.each > 1:
        each = {"times": formats.number(goal.each)}
        said.append(_("%(times)s times a day") % each if is_daily else _("%(times)s times a week") % each)
    if goal.gap:
        said.append(_("%(missed)s in between may be missed") % {"missed": formats.number(goal.gap)})
    return " · ".join(said)


def _distinct_in_words(goal: DistinctGoal, what: str, target: str) -> str:
    words = {"what": what, "target": target, "of": goal.of}
    if isinstance(goal.match, EventMatch):
        return _("%(target)s different values of %(of)s in %(what)s") % words
    words["of"] = str(_ASPECT_LABELS[OrderAspect(goal.of)])
    return _("%(target)s different %(of)s in %(what)s") % words


def _sum_in_words(goal: SumGoal, what: str, currency: str) -> str:
    if goal.of == "amount_minor" and not isinstance(goal.match, EventMatch):
        return _("%(amount)s in %(what)s") % {"amount": formats.money(goal.target, currency), "what": what}
    words = {"target": formats.number(goal.target), "of": goal.of, "what": what}
    return _("%(target)s %(of)s in %(what)s") % words


def reward_in_words(reward: ChallengeReward) -> str:
    """Write what is given: “100 points”, a coupon, a message."""
    if reward.kind is RewardKind.POINTS:
        return _("%(points)s points") % {"points": formats.number(reward.points)}
    name = {"name": reward.key}
    return _("coupon %(name)s") % name if reward.kind is RewardKind.COUPON else _("message %(name)s") % name


def challenge_in_words(challenge: Challenge, currency: str) -> tuple[str, list[str]]:
    """Return a challenge's name, and in short its goal, its time and what it gives."""
    gives = [reward_in_words(reward) for reward in challenge.rewards]
    return challenge.name, [goal_in_words(challenge, currency), when_in_words(challenge), *gives]


def when_in_words(challenge: Challenge) -> str:
    """Write the window and the recurrence in one line."""
    window = challenge.window
    parts = [str(WINDOW_LABELS[window.kind.value])]
    if window.days:
        parts = [_("within %(days)s days") % {"days": window.days}]
        if window.kind is WindowKind.SINCE_JOINING:
            parts = [_("in the first %(days)s days") % {"days": window.days}]
    if window.starts_on or window.ends_on:
        parts = [f"{window.starts_on or '…'} – {window.ends_on or '…'}"]
    return " · ".join([*parts, str(RECURRENCE_LABELS[challenge.recurrence.value])])
