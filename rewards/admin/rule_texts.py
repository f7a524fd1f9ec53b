"""What a rule's form holds as lines of text: percents by name, and the weights of a formula."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from django import forms
from django.utils.translation import gettext as _

TERM_SOURCES: Final = ("trait", "attribute", "order", "property", "member")
# Far more than a number of the document has.
_DIGITS: Final = 100


def percent_lines(percents: Mapping[str, int]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in percents.items())


def percents(text: str) -> dict[str, int]:
    """Read lines of ``name = percent``."""
    found: dict[str, int] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, separator, percent = line.rpartition("=")
        number = percent.strip().removesuffix("%").strip()
        if not separator or not name.strip() or not (number.isascii() and number.isdigit()):
            raise forms.ValidationError(_("Write each line as: name = percent."))
        found[name.strip()] = int(number)
    return found


def term_line(term: Mapping[str, str]) -> str:
    source = next(name for name in TERM_SOURCES if name in term)
    return f"{source} {term[source]} = {exact(term['weight'])}"


def terms(text: str) -> list[dict[str, str]]:
    """Read lines of ``trait name = weight``."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        left, separator, weight = line.rpartition("=")
        source, _space, name = left.strip().partition(" ")
        if not separator or source not in TERM_SOURCES or not name.strip():
            raise forms.ValidationError(_("Write each line as: trait name = weight."))
        found.append({source: name.strip(), "weight": weight.strip()})
    return found


def exact(fraction: str) -> str:
    """Write a number of the document as a decimal that ends, or else as the fraction it is."""
    number = Fraction(fraction)
    with localcontext(prec=_DIGITS):
        decimal = Decimal(number.numerator) / number.denominator
    return format(decimal, "f") if Fraction(decimal) == number else str(number)
