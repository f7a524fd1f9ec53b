"""A rule while it is written: a tree of half-filled fields that survives every click without script of ours.

Fields are named ``n:<path>:<field>`` with a path like ``0.2.1`` from the root group ``0``. What is in the
form is read into drafts, changed by one action, and drawn again; only a whole draft becomes a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.safestring import SafeString

from crm.domain.rule_parsing import DEEPEST, MOST_NODES

GROUP: Final = "group"
EVENT, SEQUENCE, BOUGHT, SEGMENT, RANDOM = "event", "sequence", "bought", "in_segment", "random"
BEHAVIOURS: Final = (EVENT, SEQUENCE, BOUGHT, SEGMENT, RANDOM)
_PREFIX: Final = "n"
# The conditions on properties: of the event, and of the one that follows it.
WHERE, THEN_WHERE = "where", "then_where"
TEST_LISTS: Final = (WHERE, THEN_WHERE)
TEST_FIELDS: Final = ("property", "propop", "propvalue")
_ACTIONS: Final = frozenset({"add", "group", "remove", "drop", *TEST_LISTS})


@dataclass(slots=True)
class Draft:
    """One node as it is typed: a group with children, or a condition with its fields as text."""

    path: str
    fields: dict[str, str] = field(default_factory=dict)
    children: list[Draft] = field(default_factory=list)
    tests: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {name: [] for name in TEST_LISTS})
    errors: list[str] = field(default_factory=list)
    # What the page draws of it; see `segment_widgets`.
    controls: dict[str, SafeString] = field(default_factory=dict)
    rows: list[list[SafeString]] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        return self.fields.get("kind") == GROUP

    @property
    def what(self) -> str:
        """Return the subject: a source with a name, or a kind of behaviour."""
        return self.fields.get("what", "")

    @property
    def kind(self) -> str:
        return self.what if self.what in BEHAVIOURS else "comparison"

    @property
    def may_nest(self) -> bool:
        return self.path.count(".") < DEEPEST - 2

    @property
    def dom_id(self) -> str:
        return "node-" + self.path.replace(".", "-")

    def name(self, of: str) -> str:
        return f"{_PREFIX}:{self.path}:{of}"

    def walk(self) -> Iterator[Draft]:
        yield self
        for child in self.children:
            yield from child.walk()


def empty() -> Draft:
    """Return a group that asks for all of one unfilled condition."""
    root = Draft("0", {"kind": GROUP, "match": "all"})
    root.children.append(Draft("0.0"))
    return root


def read(posted: Mapping[str, Any]) -> Draft:
    """Return the tree in a posted form; what is malformed is left out."""
    nodes: dict[str, Draft] = {}
    for name in posted:
        parts = name.split(":")
        if len(parts) != 3 or parts[0] != _PREFIX or not _is_path(parts[1]):  # noqa: PLR2004 - n, path, field
            continue
        node = nodes.setdefault(parts[1], Draft(parts[1]))
        node.fields[parts[2]] = str(posted[name])
    root = nodes.get("0")
    if root is None:
        return empty()
    root.fields["kind"] = GROUP
    for path in sorted(nodes, key=_order):
        parent = nodes.get(path.rpartition(".")[0])
        if parent is not None and parent.is_group:
            parent.children.append(nodes[path])
        _read_tests(nodes[path])
    return renumbered(root)


def _is_path(path: str) -> bool:
    steps = path.split(".")
    return len(steps) <= DEEPEST and all(step.isdecimal() and len(step) <= 3 for step in steps)  # noqa: PLR2004 - three digits


def _order(path: str) -> tuple[int, ...]:
    return tuple(int(step) for step in path.split("."))


def _read_tests(node: Draft) -> None:
    for name, rows in node.tests.items():
        count = node.fields.pop(name, "")
        for number in range(min(int(count), MOST_NODES) if count.isdecimal() and len(count) <= 3 else 0):  # noqa: PLR2004 - three digits
            rows.append({of: node.fields.pop(test_field(name, of, number), "") for of in TEST_FIELDS})


def test_field(name: str, of: str, number: int) -> str:
    """Return the field of one condition on a property, like ``where_propop2``."""
    return f"{name}_{of}{number}"


def renumbered(node: Draft) -> Draft:
    """Give the children their places as paths."""
    for place, child in enumerate(node.children):
        child.path = f"{node.path}.{place}"
        renumbered(child)
    return node


def act(root: Draft, action: str) -> Draft:
    """Apply ``add:``, ``group:``, ``remove:``, ``where:`` or ``then_where:`` with a path.

    ``drop:<path>:<list>:<number>`` takes one condition on a property away; others change nothing.
    """
    verb, _colon, rest = action.partition(":")
    path, _colon, place = rest.partition(":")
    if verb not in _ACTIONS:
        return root
    node = next((each for each in root.walk() if each.path == path), None)
    if node is None:
        return root
    if verb in TEST_LISTS and not node.is_group:
        node.tests[verb].append({"property": "", "propop": "eq", "propvalue": ""})
    elif verb == "drop":
        _drop(node, *place.split(":")[:2])
    elif verb == "remove" and node is not root:
        parent = next(each for each in root.walk() if node in each.children)
        parent.children.remove(node)
    elif verb in {"add", "group"} and node.is_group and len(node.children) < MOST_NODES:
        child = Draft("")
        if verb == "group" and node.may_nest:
            child = Draft("", {"kind": GROUP, "match": "any"}, [Draft("")])
        node.children.append(child)
    return renumbered(root)


def _drop(node: Draft, name: str = "", number: str = "") -> None:
    rows = node.tests.get(name, [])
    if number.isdecimal() and int(number[:3]) < len(rows):
        del rows[int(number[:3])]
