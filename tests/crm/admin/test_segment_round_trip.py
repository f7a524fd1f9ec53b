"""Whatever rule the tree allows is drawn as a page, sent back by a browser, and the same rule again."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crm.admin import segment_drafts, segment_drawing, segment_reading
from crm.admin.segment_builder import BuilderPage
from crm.admin.segment_forms import Subjects
from crm.admin.segment_widgets import Widgets
from crm.domain.rules import RuleError, parse
from crm.models import AttributeDefinition
from tenants.models import Tenant
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.urls(settings.STAFF_URLCONF)]

NAMES = st.one_of(
    st.sampled_from(["a", "10", "a b", 'say "hi"', "=5", " edge ", "名"]), st.text(min_size=1, max_size=9)
)
NAMES = NAMES.filter(lambda name: "\0" not in name)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "10", "true", "yes", "a, b", "a，b", '"q"', '"a, b', "=5", "=x", " a", "1e3", "a\r\nb", "nan"]
    ),
    st.text(max_size=9).filter(lambda text: "\0" not in text),
)
NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15),
    st.sampled_from([0.5, 2.05, -1.25, 0.1 + 0.2, 1e-300]),
    st.floats(-(10**15), 10**15),
)
EITHER = st.one_of(TEXTS, NUMBERS)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
COUNTS = st.one_of(st.integers(0, 5), st.integers(0, 10**15))
DAYS = st.dates(min_value=NOW.date().replace(year=1900), max_value=NOW.date().replace(year=2200)).map(str)


def _between(pair: tuple[Any, Any], low: str, high: str) -> dict[str, Any]:
    return {low: min(pair), high: max(pair)}


TIMES = st.one_of(
    st.fixed_dictionaries({"at_least": COUNTS}),
    st.fixed_dictionaries({"at_most": COUNTS}),
    st.tuples(COUNTS, COUNTS).map(lambda pair: _between(pair, "at_least", "at_most")),
)
WINDOWS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"days": st.integers(1, 3660)}),
    st.fixed_dictionaries({"from": DAYS}),
    st.fixed_dictionaries({"to": DAYS}),
    st.tuples(DAYS, DAYS).map(lambda pair: _between(pair, "from", "to")),
)


def _comparison(source: str, names: Any, values: Any, in_order: Any) -> Any:
    one = {source: names}
    return st.one_of(
        st.fixed_dictionaries(one | {"op": st.sampled_from(["exists", "missing"])}),
        st.fixed_dictionaries(one | {"op": st.sampled_from(["eq", "ne"]), "value": values}),
        st.fixed_dictionaries(one | {"op": st.sampled_from(["gt", "gte", "lt", "lte"]), "value": in_order}),
        st.fixed_dictionaries(one | {"op": st.just("in"), "value": st.lists(values, min_size=1, max_size=4)}),
        st.fixed_dictionaries(one | {"op": st.just("contains"), "value": TEXTS}) if values is not NUMBERS
        else st.nothing(),
    )  # fmt: skip


def _joined(*parts: Any) -> Any:
    return st.tuples(*parts).map(lambda each: {key: value for part in each for key, value in part.items()})


PATTERNS = st.fixed_dictionaries(
    {"event": NAMES},
    optional={"where": st.lists(_comparison("property", NAMES, SCALARS, EITHER), min_size=1, max_size=2)},
)
PERCENTS = st.floats(0, 100).filter(lambda each: each >= 1e-6 or each == 0)
TRAITS = st.sampled_from(["churn_risk", "favourite_category", "predicted_value_minor", "active_days", "gone"])
_KINDS_OF_LEAVES = [
    _comparison("attribute", st.one_of(NAMES, st.sampled_from(["size", "member", "city"])), SCALARS, EITHER),
    _comparison("trait", TRAITS, EITHER, EITHER),
    _comparison("orders", st.sampled_from(["count", "revenue_minor", "days_since_last"]), NUMBERS, NUMBERS),
    _comparison("customer", st.sampled_from(["days_since_created", "days_since_joined"]), NUMBERS, NUMBERS),
    _comparison("person", st.sampled_from(["city", "age_years", "birth_month"]), EITHER, EITHER),
    _comparison("loyalty", st.sampled_from(["tier", "points", "qualifying_spend_minor"]), EITHER, EITHER),
    _comparison("consent", NAMES, TEXTS, TEXTS),
    _joined(PATTERNS, TIMES, WINDOWS),
    _joined(
        PATTERNS, st.fixed_dictionaries({"then": PATTERNS, "within_days": st.integers(1, 3660)}), WINDOWS
    ),
    _joined(
        st.fixed_dictionaries({"bought": st.sampled_from(["orders", "units", "spent_minor"])}),
        st.one_of(st.just({}), *(st.fixed_dictionaries({of: NAMES}) for of in ("category", "brand", "item"))),
        TIMES,
        WINDOWS,
    ),
    st.fixed_dictionaries({"in_segment": NAMES}),
    st.tuples(NAMES, PERCENTS, PERCENTS)
    .filter(lambda each: each[1] != each[2])
    .map(lambda each: {"random": each[0], **_between(each[1:], "from_percent", "to_percent")}),
]
# One choice after the other: joined, the many comparisons would crowd out the rest.
LEAVES = st.sampled_from(_KINDS_OF_LEAVES).flatmap(lambda kind: kind)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)
DEEP: dict[str, Any] = {"in_segment": "vip"}
for _level in range(7):
    DEEP = {"not": DEEP} if _level % 3 else {"any": [DEEP]}


class Browser(HTMLParser):
    """The fields a browser sends of a page nobody has touched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = named["name"]
        elif tag == "option" and ("selected" in named or self._select not in self.sent):
            self.sent[self._select] = named["value"]
        elif tag == "input" and (named["type"] != "checkbox" or "checked" in named):
            assert named["name"] not in self.sent
            self.sent[named["name"]] = self._kept(named)

    @staticmethod
    def _kept(named: dict[str, str]) -> str:
        """A text field drops line breaks, a number field what is no number."""
        value = named.get("value", "on")
        if named["type"] == "number" and value:
            assert float(value) >= 0
        return value.replace("\r", "").replace("\n", "")


def sent_back(rule: dict[str, Any], subjects: Subjects) -> dict[str, Any]:
    request = RequestFactory().get("/")
    page = BuilderPage()
    node = Widgets(page.choices(subjects)).dress(segment_drawing.draft_of(rule, subjects))
    drawn = render_to_string("backoffice/segments/tree.html", {"node": node}, request)
    root = segment_drafts.read(Browser(drawn).sent)
    try:
        return segment_reading.rule_of(root, subjects)
    except segment_reading.Unfinished:
        pytest.fail(str([(each.fields, each.tests, each.errors) for each in root.walk() if each.errors]))


def told(rule: Any) -> Any:
    """Tell 1 from true, which Python does not, and one spelling of a number from none."""
    if isinstance(rule, dict):
        return {name: told(each) for name, each in rule.items()}
    if isinstance(rule, list):
        return [told(each) for each in rule]
    return ("number", float(rule)) if isinstance(rule, int | float) and not isinstance(rule, bool) else rule


@hypothesis_settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rule=RULES)
@example(rule=DEEP)
@example(rule={"all": [{"orders": "count", "op": "eq", "value": number} for number in range(99)]})
@example(rule={"event": "a", "at_least": 1, "where": [{"property": "p", "op": "exists"}] * 99})
@example(rule={"attribute": "city", "op": "in", "value": ["x" * 200, *"abcdefgh", "New York, NY"]})
def test_every_rule_is_the_same_after_the_page_was_sent(scope: Tenant, rule: dict[str, Any]) -> None:
    for key, value_type in (("size", "number"), ("member", "boolean"), ("city", "text")):
        AttributeDefinition.objects.get_or_create(
            subject="customer", key=key, defaults={"label": key, "value_type": value_type}
        )
    try:
        parse(rule)
    except RuleError:
        return
    again = sent_back(rule, Subjects("USD"))
    assert told(again) == told(rule)
    assert parse(again) == parse(rule)
