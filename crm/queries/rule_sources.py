"""Values that higher apps and other nouns lend to rules, without this app knowing them.

Each source is one definition with two readers, like the rules themselves: SQL for the set, Python for some
customers. A source nobody registered is simply absent from every customer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from crm.domain.rules import Scalar, Source
from crm.queries.segment_sql_values import Fragment


@dataclass(frozen=True, slots=True)
class RuleSource:
    """``relation(name)`` returns ``SELECT customer_id, number, text`` with its parameters.

    The relation has at most one row a customer, a float8 or a text in it, names the tenant (there is a
    scope), and neither groups nor sorts, so that the planner can read it by customer. ``values`` returns
    the same for some customers, ``names`` what a rule may ask for, with a label for staff.
    """

    relation: Callable[[str], Fragment]
    values: Callable[[Collection[int]], Mapping[int, Mapping[str, Scalar]]]
    names: Callable[[], list[tuple[str, str]]]


_source_by_kind: dict[Source, RuleSource] = {}


def register(kind: Source, source: RuleSource) -> None:
    """Lend a source; registering a kind again replaces it."""
    if kind not in {Source.LOYALTY, Source.CONSENT}:
        raise ValueError(f"{kind} is read by this app itself.")
    _source_by_kind[kind] = source


def registered(kind: Source) -> RuleSource | None:
    return _source_by_kind.get(kind)


def values_of(customer_ids: Collection[int]) -> dict[int, dict[Source, Mapping[str, Scalar]]]:
    """Return ``{customer id: {source: {name: value}}}`` of all registered sources."""
    found: dict[int, dict[Source, Mapping[str, Scalar]]] = {each: {} for each in customer_ids}
    for kind, source in _source_by_kind.items():
        for customer_id, values in source.values(customer_ids).items():
            found[customer_id][kind] = values
    return found
