"""A rule's form gives back exactly what it was made from, or says that it cannot show it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.admin import condition_values, rule_texts
from rewards.admin.rule_conditions import GROUPS, ConditionRows, event_facts, line_facts, rows_of, tree_of
from rewards.admin.rule_rows import GrantRow, grant_values
from rewards.domain.documents.conditions import EVENT_SOURCES, LINE_SOURCES, read_tree
from rewards.domain.documents.reader import Reader
from tenants.models import Tenant

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=8).filter(
    str.strip
)
TEMPTING = st.sampled_from(
    [
        "10001",
        "007",
        "true",
        "False",
        "1e5",
        "1_000",
        "NaN",
        "-3.50",
        "a, b",
        '"',
        'say "hi", twice',
        " x ",
        "5",
        '""',
        "",
    ]
)
OWN = TEXTS | TEMPTING | st.booleans() | st.integers(-(10**12), 10**12) | st.sampled_from([0.5, -2.25, 1e-07])
NUMBERS = st.integers(0, 10**9) | st.just(2.5)


def leaf(source: str, names: st.SearchStrategy[str], ops: str, values: st.SearchStrategy[Any]) -> Any:
    single = st.fixed_dictionaries({source: names, "op": st.sampled_from(ops.split()), "value": values})
    listed = st.fixed_dictionaries({source: names, "op": st.just("in"),
                                    "value": st.lists(values, min_size=1, max_size=3)})  # fmt: skip
    return single | listed | listed.map(lambda rule: {"not": rule})


BASKET = st.fixed_dictionaries({
    "basket": st.just("units"), "op": st.just("gte"), "value": st.integers(1, 9),
    "where": st.fixed_dictionaries({
        "line": st.sampled_from(["category", "brand", "item"]), "op": st.just("in"),
        "value": st.lists(TEXTS | TEMPTING, min_size=1, max_size=3),
    }),
})  # fmt: skip
OF_EVENTS = (
    leaf("order", st.just("total_minor"), "gte lt eq", st.integers(0, 10**9))
    | leaf("order", st.just("units"), "gt ne", NUMBERS)
    | leaf("order", st.just("channel"), "eq ne contains", TEXTS | TEMPTING)
    | leaf("time", st.just("weekday"), "eq", st.integers(1, 7))
    | leaf("property", TEXTS.map(str.strip), "eq ne gt", OWN)
    | leaf("attribute", st.just("price_minor"), "eq gt", OWN)
    | st.fixed_dictionaries({"trait": st.just("clv"), "op": st.sampled_from(["exists", "missing"])})
    | st.fixed_dictionaries({"in_segment": st.just("vip")})
    | BASKET
)
OF_LINES = leaf("line", st.just("category"), "eq ne contains", TEXTS | TEMPTING) | leaf(
    "item", st.just("size"), "eq lt", OWN
)


def trees(leaves: Any) -> Any:
    many = st.lists(leaves, min_size=2, max_size=3)
    group = (
        leaves | many.map(lambda rules: {"all": rules}) | many.map(lambda rules: {"any": rules})
        | many.map(lambda rules: {"not": {"any": rules}})
    )  # fmt: skip
    groups = st.lists(group, min_size=2, max_size=len(GROUPS))
    return group | groups.map(lambda rules: {"all": rules}) | groups.map(lambda rules: {"any": rules})


def parsed(tree: Any, sources: Any) -> Any:
    reader = Reader(tree)
    found = read_tree(reader, sources)
    return found, reader.errors


def saved(tree: Any, facts: Any) -> Any:
    """What the form says when nobody changes it."""
    rows, modes, match = rows_of(tree, "USD")
    data = {"c-TOTAL_FORMS": str(len(rows)), "c-INITIAL_FORMS": "0"}
    data |= {f"c-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()}
    formset = ConditionRows(data, prefix="c", form_kwargs={"currency": "USD", "facts": facts})
    assert formset.is_valid(), formset.errors
    return tree_of(formset, modes, match)


@given(trees(OF_EVENTS))
def test_conditions_come_back_as_they_were(tree: Any) -> None:
    before, errors = parsed(tree, EVENT_SOURCES)
    if not errors:
        assert parsed(saved(tree, event_facts()), EVENT_SOURCES) == (before, [])


@given(trees(OF_LINES))
def test_conditions_on_lines_come_back_as_they_were(tree: Any) -> None:
    before, errors = parsed(tree, LINE_SOURCES)
    if not errors:
        assert parsed(saved(tree, line_facts()), LINE_SOURCES) == (before, [])


@pytest.mark.parametrize(
    "where",
    [None, {"line": "quantity", "op": "in", "value": [1, 2]}, {"line": "brand", "op": "eq", "value": "x"},
     {"all": [{"line": "brand", "op": "in", "value": ["x"]}]}],
)  # fmt: skip
def test_baskets_that_rows_cannot_show_say_so(where: Any) -> None:
    with pytest.raises(ValueError, match="basket"):
        rows_of({"basket": "units", "op": "gte", "value": 1, **({"where": where} if where else {})}, "USD")


@pytest.mark.parametrize(
    ("typed", "value"),
    [("10001", 10001), ('"10001"', "10001"), ("007", "007"), ("1e5", "1e5"), ("1_000", "1_000"),
     ("nan", "nan"), ("Yes", "Yes"), ("TRUE", True), (' "a ""b""" ', 'a "b"'),
     ("2.50", 2.5), ("-4.0", -4), ('"', '"')],
)  # fmt: skip
def test_quotes_make_a_text_of_anything(typed: str, value: Any) -> None:
    found = condition_values.read(typed)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("weight", "line"),
    [("0.0512345678", "0.0512345678"), ("1234567", "1234567"), ("1/3", "1/3"), ("-1/8", "-0.125"),
     ("1e-7", "0.0000001"), ("999999999.999999999", "999999999.999999999")],
)  # fmt: skip
def test_weights_of_a_formula_are_shown_exactly(weight: str, line: str) -> None:
    assert rule_texts.term_line({"trait": "clv", "weight": weight}) == f"trait clv = {line}"


@pytest.mark.parametrize("value", ["007", "5", 5, -0.25, "true", "gold", 'a "b"', "1e5"])
def test_a_trait_keeps_its_value_and_kind(value: Any) -> None:
    data = grant_values({"type": "trait", "trait": "level", "value": value})
    row = GrantRow(data)
    assert row.is_valid()
    found = row.effect()["value"]
    assert (found, isinstance(found, str)) == (value, isinstance(value, str))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["challenge", "tier"])
def test_a_digit_that_is_no_number_is_refused(scope: Tenant, kind: str) -> None:
    row = GrantRow({"kind": kind, "key": "x", "amount": "²"})
    assert (row.is_valid(), list(row.errors)) == (False, ["amount"])
