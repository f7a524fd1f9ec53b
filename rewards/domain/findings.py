"""What the linter says of a program."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rewards.domain.rules import EarningRule


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; ``pointer`` leads into the document, ``code`` is stable."""

    severity: Severity
    code: str
    pointer: str
    rule: str
    detail: str
    other: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def error(code: str, pointer: str, rule: EarningRule, detail: str) -> Finding:
    """Return something that blocks publishing."""
    return Finding(Severity.ERROR, code, pointer, rule.key, detail)


def warning(code: str, pointer: str, rule: EarningRule, detail: str, other: str = "") -> Finding:
    """Return something to look at before publishing."""
    return Finding(Severity.WARNING, code, pointer, rule.key, detail, other)
