"""What rules can speak of, how it is typed, and the small forms beside the tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import trait_labels
from crm.admin.rule_values import RuleValues
from crm.admin.rule_words import (
    CUSTOMER_LABELS,
    LOYALTY_LABELS,
    MEASURE_LABELS,
    PERSON_LABELS,
)
from crm.admin.segment_drafts import BOUGHT, EVENT, RANDOM, SEGMENT, SEQUENCE
from crm.domain.profile_traits import PROFILE_TRAITS
from crm.domain.rules import Source
from crm.models import AttributeDefinition
from crm.models.attribute_definition import AttributeSubject
from crm.queries import rule_sources, sensitive
from crm.queries.trait_names import trait_names
from tenants.admin.forms import StaffForm


class SegmentForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=500, required=False)


class StaticForm(SegmentForm):
    customers = forms.CharField(
        label=gettext_lazy("Customers"),
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("External ids or e-mails, one a line."),
    )

    def lines(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["customers"].splitlines() if line.strip()]


class Subjects:
    """What conditions can speak of, and how their values are typed."""

    def __init__(self, currency: str) -> None:
        definitions = AttributeDefinition.objects.filter(subject=AttributeSubject.CUSTOMER).order_by("label")
        self.values = RuleValues(currency, {each.key: each.value_type for each in definitions})
        secret = sensitive.hidden().attributes
        self._attributes = [
            (f"{Source.ATTRIBUTE}:{each.key}", each.label) for each in definitions if each.key not in secret
        ]

    def choices(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the groups of subjects: behaviour first, then what is known of customers."""
        behaviour = [
            (EVENT, _("did an event")),
            (SEQUENCE, _("did one event, then another")),
            (BOUGHT, _("bought or spent")),
            (SEGMENT, _("is in a segment")),
            (RANDOM, _("random share")),
        ]
        predicted = [name for name in trait_names() if name not in PROFILE_TRAITS]
        groups = [
            (_("Behaviour"), behaviour),
            (_("Orders"), self._of(Source.ORDERS, MEASURE_LABELS)),
            (_("History"), self._traits(PROFILE_TRAITS)),
            (_("Predictions"), self._traits(predicted)),
            (_("Person"), self._of(Source.PERSON, PERSON_LABELS)),
            (_("Customer"), self._of(Source.CUSTOMER, CUSTOMER_LABELS)),
            (_("Loyalty"), self._lent(Source.LOYALTY)),
            (_("Consents"), self._lent(Source.CONSENT)),
            (_("Attributes"), self._attributes),
        ]
        return [(label, choices) for label, choices in groups if choices]

    def _of(self, source: Source, labels: Any) -> list[tuple[str, str]]:
        return [(f"{source}:{name}", str(label)) for name, label in labels.items()]

    def _traits(self, names: Iterable[str]) -> list[tuple[str, str]]:
        return [(f"{Source.TRAIT}:{name}", trait_labels.label_of(name)) for name in names]

    def _lent(self, source: Source) -> list[tuple[str, str]]:
        lent = rule_sources.registered(source)
        if lent is None:
            return []
        return [
            (f"{source}:{name}", str(label or LOYALTY_LABELS.get(name, name))) for name, label in lent.names()
        ]
