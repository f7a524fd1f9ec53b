"""docs/reliability.md names a test for each pain; a test that was renamed or removed is missed here."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
OPEN = {"Nobody can prove the program pays"}


def rows() -> dict[str, list[tuple[str, str]]]:
    """The tests of each pain, as (file, name)."""
    _, table = PAGE.read_text(encoding="utf-8").split("| pain | tests |\n|---|---|\n")
    lines = [line.split("|") for line in table.split("\n\n")[0].splitlines()]
    return {line[1].strip(): NAMED.findall(line[2]) for line in lines}


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("pain", rows())
def test_a_pain_has_tests_that_exist(pain: str) -> None:
    named = rows()[pain]
    assert bool(named) != (pain in OPEN)
    assert [(path, name) for path, name in named if name not in functions_of(path)] == []


def test_every_pain_is_there() -> None:
    assert len(rows()) == 14
