"""Groups of customers who behave alike, as model-defined segments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from crm.services import segments, traits
from recommendations.ml.rfm import SEGMENT_FEATURES
from recommendations.ml.segment_training import CustomerGroup, train_segments
from recommendations.models import ModelVersion
from recommendations.queries.training_data import CustomerPurchases, customer_purchases
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant

SHOWN_TRAITS = 2
_TOLD = ("recency_days", "purchase_days", "discount_share")


def read(tenant: Tenant) -> CustomerPurchases:
    """Read what the model learns from; nothing is kept open meanwhile."""
    return customer_purchases(tenant)


def fit(tenant: Tenant, data: CustomerPurchases, current: ModelVersion | None) -> Fitted:
    """Group the customers; publishing writes one segment a group and empties those that are no more."""
    earlier = current.parameters if current else None
    trained, groups = train_segments(data.history, data.today, earlier)

    def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
        gone = set((earlier or {}).get("groups", {})) - {str(group.id) for group in groups}
        with translation.override(tenant.locale):
            return _write(data, groups, sorted(gone), version, at)

    return Fitted(trained, data.cut_off_on, publish)


def segment_key(group_id: int | str) -> str:
    """Return the key of a group's segment, the same after every training."""
    return f"group-{group_id}"


def _write(
    data: CustomerPurchases, groups: list[CustomerGroup], gone: list[str], version: ModelVersion, at: datetime
) -> dict[str, Any]:
    names = group_names(groups)
    group_by_customer: dict[int, str] = {}
    for group in groups:
        customers = data.customer_ids[group.rows].tolist()
        name = names[group.id]
        group_by_customer |= dict.fromkeys(customers, name)
        segments.publish_model_segment(
            key=segment_key(group.id),
            name=name,
            description=_description(group),
            members=dict(zip(customers, _reasons(group), strict=True)),
            at=at,
        )
    for group_id in gone:
        segments.publish_model_segment(
            key=segment_key(group_id),
            name=_("Former group %(id)s") % {"id": group_id},
            description=_("The customers of this group belong to other groups now."),
            members={},
            at=at,
        )
    traits.write_many(
        name="customer_group", values=group_by_customer, model_version=version.label, at=at, replace=True
    )
    return {"segments": list(names.values()), "customers": len(group_by_customer)}


def _reasons(group: CustomerGroup) -> list[str]:
    """Say of each member the figures that brought them here; the group's own stand in its description."""
    text = _(
        "Bought %(recency)d days ago and on %(days)d days; discounts made %(share)d %% of the shelf prices."
    )
    recency, days, share = (SEGMENT_FEATURES.index(name) for name in _TOLD)
    return [
        text % {"recency": row[recency], "days": row[days], "share": round(100 * row[share])}
        for row in group.values.tolist()
    ]


def group_names(groups: list[CustomerGroup]) -> dict[int, str]:
    """A readable name per group from what distinguishes it; longer, then numbered, where two are alike."""
    shown = SHOWN_TRAITS
    while True:
        names = {group.id: _name(group, shown) for group in groups}
        if len(set(names.values())) == len(names):
            return names
        shown += 1
        if shown > max(len(group.traits) for group in groups):
            return {group_id: f"{name} {group_id}" for group_id, name in names.items()}


def _name(group: CustomerGroup, shown: int) -> str:
    words = [_trait_words()[trait.feature][trait.deviation > 0] for trait in group.traits[:shown]]
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def _trait_words() -> dict[str, tuple[str, str]]:
    """Words for a low and a high value of each feature."""
    return {
        "recency_days": (_("bought lately"), _("long silent")),
        "purchase_days": (_("rare"), _("frequent")),
        "mean_day_minor": (_("small baskets"), _("big baskets")),
        "discount_share": (_("pays full price"), _("seeks discounts")),
    }


def _description(group: CustomerGroup) -> str:
    return _(
        "Half of them bought within %(recency)d days, and on %(days)d days or more; "
        "discounts make %(share)d %% of their shelf prices."
    ) % {
        "recency": group.medians["recency_days"],
        "days": group.medians["purchase_days"],
        "share": round(100 * group.medians["discount_share"]),
    }
