"""Minor units of currencies (ISO 4217). Money is an integer everywhere inside."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# Currencies whose minor unit is not a hundredth; every other one is.
_EXPONENT_BY_CURRENCY = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def exponent(currency: str) -> int:
    """Return how many decimals the currency's major unit has."""
    return _EXPONENT_BY_CURRENCY.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return ``amount`` in minor units, halves rounded away from zero."""
    return int(amount.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_minor(amount_minor: int, currency: str) -> str:
    """Return e.g. ``"12.50 GBP"``; plain digits, so that it can be read back."""
    places = exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f} {currency}"
