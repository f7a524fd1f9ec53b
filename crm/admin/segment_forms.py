"""What rules can speak of, how it is typed, and the small forms beside the tree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import trait_labels
from crm.admin.rule_words import (
    CUSTOMER_LABELS,
    LOYALTY_LABELS,
    MEASURE_LABELS,
    PERSON_LABELS,
    is_money,
)
from crm.admin.segment_drafts import BOUGHT, EVENT, RANDOM, SEGMENT, SEQUENCE
from crm.domain.profile_traits import PROFILE_TRAITS, TEXT
from crm.domain.rule_nodes import BIRTH_FIELDS
from crm.domain.rules import Source
from crm.models import AttributeDefinition
from crm.models.attribute_definition import AttributeSubject, AttributeType
from crm.queries import rule_sources
from crm.queries.trait_names import trait_names
from tenants.admin.formats import exponent
from tenants.admin.forms import StaffForm

_YES: Final = frozenset({"yes", "true", "1", "是"})
_TIER: Final = "tier"
_WHOLE: Final = frozenset({Source.ORDERS, Source.CUSTOMER})


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
    """What conditions can speak of, and how their values are typed and written."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        definitions = AttributeDefinition.objects.filter(subject=AttributeSubject.CUSTOMER).order_by("label")
        self.type_by_attribute = {each.key: each.value_type for each in definitions}
        self._attributes = [(f"{Source.ATTRIBUTE}:{each.key}", each.label) for each in definitions]

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

    def value(self, kind: str, name: str, text: str) -> str | int | float | bool:
        """Read what was typed as the subject's type: money in major units, shares in percent."""
        source = Source(kind)
        if is_money(source, name):
            return int(Decimal(text).scaleb(exponent(self.currency)))
        if source in _WHOLE or name in BIRTH_FIELDS:
            return int(Decimal(text))
        if source is Source.TRAIT:
            return self._trait_value(name, text)
        if source is Source.LOYALTY:
            return text if name == _TIER else float(Decimal(text))
        return self._attribute_value(name, text) if source is Source.ATTRIBUTE else text

    def _attribute_value(self, name: str, text: str) -> str | float | bool:
        attribute_type = self.type_by_attribute.get(name, AttributeType.TEXT)
        if attribute_type == AttributeType.NUMBER:
            return float(Decimal(text))
        return text.lower() in _YES if attribute_type == AttributeType.BOOLEAN else text

    def _trait_value(self, name: str, text: str) -> str | float:
        if PROFILE_TRAITS.get(name) == TEXT:
            return text
        if trait_labels.is_share(name):
            return float(Decimal(text.removesuffix("%").strip()) / 100)
        return _number_or_text(text)

    def text(self, source: Source, name: str, value: Any) -> str:
        """Write a value the way it is typed."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        number = Decimal(repr(value))
        if is_money(source, name):
            number = number.scaleb(-exponent(self.currency))
        elif source is Source.TRAIT and trait_labels.is_share(name):
            number *= 100
        return f"{number.normalize():f}"


def _number_or_text(text: str) -> str | float:
    try:
        return float(Decimal(text))
    except InvalidOperation:
        return text
