"""Which days are rehearsed."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy

from rewards.domain.rehearsal_days import FIRST_DAY, MOST_DAYS
from tenants.admin.forms import DayInput

_USUAL_DAYS: Final = 30


class RehearsalForm(forms.Form):
    """So many days that end with one of them: ``today``, or one before."""

    days = forms.IntegerField(
        label=gettext_lazy("Days"), min_value=1, max_value=MOST_DAYS, initial=_USUAL_DAYS,
        widget=forms.NumberInput({"style": "width:6em"}),
    )  # fmt: skip
    ends_on = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=DayInput())

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data)
        day = self.fields["ends_on"]
        day.widget.attrs |= {"min": FIRST_DAY.isoformat(), "max": today.isoformat()}
        day.validators += [MinValueValidator(FIRST_DAY), MaxValueValidator(today)]
