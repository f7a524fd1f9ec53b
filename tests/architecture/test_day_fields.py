"""A day is written as browsers read it in every language; otherwise saving a form would empty it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.urls import get_resolver
from django.utils import translation

from loyalty_saas.urls import staff
from tenants.admin.forms import DayInput, StaffForm

_OURS = ("tenants.", "crm.", "rewards.", "recommendations.", "loyalty_saas.")


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_day_of_a_form_has_the_field_that_speaks_iso() -> None:
    assert get_resolver(staff.__name__).url_patterns
    fields = [
        (each.__name__, name, field)
        for each in subclasses(forms.Form)
        for name, field in each.base_fields.items()
        if isinstance(field, forms.DateField) and each.__module__.startswith(_OURS)
    ]
    assert len(fields) > 10
    wrong = [f"{owner}.{name}" for owner, name, field in fields if not isinstance(field.widget, DayInput)]
    assert wrong == []


def test_it_speaks_iso_in_chinese() -> None:
    class Days(StaffForm):
        day = forms.DateField(widget=DayInput())

    with translation.override("zh-hans"):
        drawn = str(Days(initial={"day": date(2026, 3, 14)})["day"])
        sent = Days({"day": "2026-03-14"})
        assert sent.is_valid()
    assert 'type="date"' in drawn
    assert 'value="2026-03-14"' in drawn
    assert sent.cleaned_data["day"] == date(2026, 3, 14)
