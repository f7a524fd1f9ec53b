"""How the back office writes numbers, money and moments, by the reader's language."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.utils import formats, timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

_WITHOUT_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"}
)
_WITH_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_SYMBOL_BY_CURRENCY: Final = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CNY": "CN¥",
    "INR": "₹",
    "BRL": "R$",
}
_CHINESE_SYMBOL_BY_CURRENCY: Final = {"USD": "US$", "CNY": "¥", "JPY": "JP¥"}
_SECONDS_A_MINUTE, _SECONDS_AN_HOUR, _SECONDS_A_DAY = 60, 3600, 86_400
_DAYS_A_MONTH, _DAYS_A_YEAR = 30, 365


def exponent(currency: str) -> int:
    """Return how many decimals the currency's major unit has (ISO 4217)."""
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _WITH_THREE_DECIMALS else 2


def number(value: float | None, places: int = 0) -> str:
    """Write a count or an amount with thousands separators; a dash for nothing. Never for ids."""
    return "–" if value is None else f"{value:,.{places}f}".replace("-", "−")


def money(minor: int | None, currency: str, *, is_compact: bool = False) -> str:
    """Write minor units with the currency's symbol; compact drops the decimals from 1,000 on."""
    if minor is None:
        return "–"
    places = exponent(currency)
    amount = abs(minor) / 10**places
    if is_compact and amount >= 1_000:  # noqa: PLR2004 - from four digits on, cents are noise
        places = 0
    sign = "−" if minor < 0 else ""
    return f"{sign}{symbol(currency)}{amount:,.{places}f}"


def symbol(currency: str) -> str:
    """Return what stands before an amount: the sign where the language knows it, else the code."""
    if (get_language() or "").startswith("zh") and currency in _CHINESE_SYMBOL_BY_CURRENCY:
        return _CHINESE_SYMBOL_BY_CURRENCY[currency]
    return _SYMBOL_BY_CURRENCY.get(currency, f"{currency}\N{NO-BREAK SPACE}")


def percent(share: float | None, places: int = 0) -> str:
    return "–" if share is None else f"{share * 100:,.{places}f}%".replace("-", "−")


def compact(value: float | None) -> str:
    """Write a big count short: ``1.2 k`` and ``3.4 M``, or ``1.2 万`` in Chinese."""
    if value is None:
        return "–"
    steps = (
        ((1e8, "亿"), (1e4, "万")) if (get_language() or "").startswith("zh") else ((1e6, "M"), (1e3, "k"))
    )
    for step, unit in steps:
        if abs(value) >= step:
            return f"{value / step:,.1f}".removesuffix(".0").replace("-", "−") + unit
    return number(value)


def moment(value: datetime | None) -> str:
    """Write a moment in the active time zone, short."""
    return "–" if value is None else formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")


def day(value: date | datetime | None) -> str:
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return "–" if value is None else formats.date_format(value, "SHORT_DATE_FORMAT")


def month(value: date) -> str:
    return formats.date_format(value, "YEAR_MONTH_FORMAT")


def age(value: datetime | None, now: datetime) -> str:
    """Write how long ago ``value`` was, in its largest unit."""
    if value is None:
        return _("never")
    elapsed = now - value
    if elapsed < timedelta(minutes=1):
        return _("just now")
    amount, unit = _largest_unit(int(elapsed.total_seconds()))
    return _in_words(amount, unit)


def _largest_unit(seconds: int) -> tuple[int, str]:
    if seconds < _SECONDS_AN_HOUR:
        return seconds // _SECONDS_A_MINUTE, "minute"
    if seconds < _SECONDS_A_DAY:
        return seconds // _SECONDS_AN_HOUR, "hour"
    days = seconds // _SECONDS_A_DAY
    if days < 2 * _DAYS_A_MONTH:
        return days, "day"
    if days < 2 * _DAYS_A_YEAR:
        return days // _DAYS_A_MONTH, "month"
    return days // _DAYS_A_YEAR, "year"


def _in_words(amount: int, unit: str) -> str:
    words = {
        "minute": ngettext("%(n)s minute ago", "%(n)s minutes ago", amount),
        "hour": ngettext("%(n)s hour ago", "%(n)s hours ago", amount),
        "day": ngettext("%(n)s day ago", "%(n)s days ago", amount),
        "month": ngettext("%(n)s month ago", "%(n)s months ago", amount),
        "year": ngettext("%(n)s year ago", "%(n)s years ago", amount),
    }
    return words[unit] % {"n": number(amount)}


def duration(seconds: float | None) -> str:
    """Write a span: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None:
        return "–"
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenth tells something
        return _("%(s).1f s") % {"s": seconds}
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return _("%(s)d s") % {"s": rest}
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return _("%(m)d min %(s)d s") % {"m": minutes, "s": rest}
    return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes}
