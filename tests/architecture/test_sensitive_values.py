"""Models learn from purchases, items and opinions; what clients send along is not theirs to read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

_APP = Path(settings.BASE_DIR) / "recommendations"
# Free properties and attributes may be sensitive at any time; a reader must ask ``crm.queries.sensitive``.
_FREE = re.compile(r"\b(crm_event|properties|attributes)\b")
_MODULES = sorted(path for path in _APP.rglob("*.py") if "migrations" not in path.parts)


def free_values_read_by(source: str) -> list[str]:
    """Return names and SQL of a module that read events, their properties or free attributes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"properties", "attributes"}:
            found.append(node.attr)
        elif isinstance(node, ast.alias) and node.name == "Event":
            found.append("Event")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _FREE.search(node.value):
            found.append(node.value)
    return found


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: str(path.relative_to(_APP)))
def test_no_model_reads_free_values(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if "crm.queries.sensitive" not in source and "sensitive.hidden(" not in source:
        assert free_values_read_by(source) == []


@pytest.mark.parametrize(
    "source",
    ["x = customer.attributes", "SQL = 'SELECT x.properties FROM y x'", "from crm.models import Event"],
)
def test_the_reader_finds_them(source: str) -> None:
    assert free_values_read_by(source)
