"""Feedback from files: ratings and words, recorded, read and worked off like those the API takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.domain import feedback as domain
from crm.domain.events import EARLIEST
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.models import Customer, Feedback, ImportChange, Item, Order
from crm.services import feedback
from crm.services.imports import staging
from crm.services.imports.facts import KNOWN, WHO, WHO_FIELDS, Fact, FactLoader, content_key
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import NEW, RecordImporter
from tenants.domain.permissions import Permission

SOURCE: Final = "import"
_SUBJECT: Final = "feedback"
# A message to the model that reads the words names so many at most.
_AT_ONCE: Final = 500
FIELDS: Final = FieldSet(
    fields=(
        *WHO_FIELDS,
        ImportField("feedback.source_id", _("Feedback id"), synonyms=(
            "feedback id", "review id", "ticket id", "response id", "answer id", "survey id", "source id",
            "反馈编号", "评价编号", "工单编号", "工单号")),
        ImportField("feedback.kind", _("Kind"), longest=20, synonyms=(
            "kind", "type", "feedback type", "survey type", "反馈类型", "类型")),
        ImportField("feedback.rating", _("Rating"), ValueType.WHOLE, synonyms=(
            "rating", "score", "stars", "nps", "csat", "评分", "星级", "打分", "分数")),
        ImportField("feedback.text", _("Text"), longest=domain.LONGEST_TEXT, synonyms=(
            "text", "comment", "comments", "review", "review text", "feedback", "message", "body", "verbatim",
            "评论", "评价", "评价内容", "反馈", "反馈内容", "内容", "留言")),
        ImportField("feedback.occurred_at", _("Given at"), ValueType.MOMENT, is_required=True, synonyms=(
            "given at", "occurred at", "submitted at", "reviewed at", "created at", "date", "time",
            "timestamp", "反馈时间", "评价时间", "提交时间", "时间", "日期")),
        ImportField("feedback.item", _("Item id"), synonyms=(
            "item id", "item", "sku", "product id", "product", "article", "商品编号", "商品编码", "货号")),
        ImportField("feedback.order", _("Order id"), synonyms=(
            "order id", "order", "order no", "order number", "订单号", "订单编号")),
    ),
    one_of=("feedback.rating", "feedback.text"),
)  # fmt: skip
_KIND_BY_WORD: Final = {
    "net promoter score": domain.Kind.NPS,
    "satisfaction": domain.Kind.CSAT,
    "满意度": domain.Kind.CSAT,
    "评价": domain.Kind.REVIEW,
    "评论": domain.Kind.REVIEW,
    "工单": domain.Kind.TICKET,
    **{each.value: each for each in domain.Kind},
}


def _flaw(values: dict[str, Any]) -> str:
    """Return what is wrong with the row in itself; fill in the kind that it does not name."""
    rating, text = values.get("feedback.rating"), (values.get("feedback.text") or "").strip()
    if rating is None and not text:
        return "feedback_empty"
    word = str(values.get("feedback.kind") or "").strip().casefold()
    kind = _KIND_BY_WORD.get(word) if word else domain.assumed_kind(
        has_item=bool(values.get("feedback.item")), has_rating=rating is not None
    )  # fmt: skip
    if kind is None:
        return "feedback_kind_unknown"
    values["feedback.kind"] = kind.value
    if domain.rating_flaw(kind, rating):
        return "rating_invalid"
    is_nobodys = not any(values.get(name) for name in WHO)
    if is_nobodys and not values.get("feedback.source_id"):
        # Two strangers may say the same on the same day; nothing would tell a repetition from them.
        return "feedback_id_missing"
    occurred_at = datetime.fromisoformat(values["feedback.occurred_at"])
    is_possible = EARLIEST <= occurred_at <= timezone.now() + feedback.CLOCK_SKEW
    return "" if is_possible else "feedback_time_out_of_range"


def _key(values: dict[str, Any]) -> str:
    if not values.get("feedback.source_id"):
        values["feedback.source_id"] = content_key(values)
    return str(values["feedback.source_id"])


def _foresee(_work: Work, facts: Sequence[Fact]) -> list[str]:
    known = _recorded(facts)
    items, orders = _named(Item, "feedback.item", facts), _named(Order, "feedback.order", facts)
    return [_outcome(each, known, items, orders) for each in facts]


def _outcome(fact: Fact, known: set[str], items: dict[str, Any], orders: dict[str, Any]) -> str:
    if fact.values["feedback.source_id"] in known:
        return KNOWN
    if (sku := fact.values.get("feedback.item")) and sku not in items:
        return "item_unknown"
    if (order := fact.values.get("feedback.order")) and order not in orders:
        return "order_unknown"
    return NEW


def _record(work: Work, facts: Sequence[Fact], params: dict[str, Any]) -> list[str]:
    outcomes: list[str] = []
    for start in range(0, len(facts), _AT_ONCE):
        outcomes += _record_some(work, facts[start : start + _AT_ONCE])
    return outcomes


def _record_some(work: Work, facts: Sequence[Fact]) -> list[str]:
    known = _recorded(facts)
    items, orders = _named(Item, "feedback.item", facts), _named(Order, "feedback.order", facts)
    customers = Customer.objects.in_bulk([each.customer_id for each in facts if each.customer_id])
    outcomes = [_outcome(each, known, items, orders) for each in facts]
    fresh = [each for each, outcome in zip(facts, outcomes, strict=True) if outcome == NEW]
    entries = [
        feedback.NewFeedback(
            kind=each.values["feedback.kind"],
            source_id=each.values["feedback.source_id"],
            occurred_at=datetime.fromisoformat(each.values["feedback.occurred_at"]),
            customer=customers[each.customer_id] if each.customer_id else None,
            item=items.get(each.values.get("feedback.item") or ""),
            order=orders.get(each.values.get("feedback.order") or ""),
            rating=each.values.get("feedback.rating"),
            text=each.values.get("feedback.text") or "",
        )
        for each in fresh
    ]
    made = feedback.record(entries=entries, source=SOURCE, by=work.by, at=work.at) if entries else []
    row_by_source = {each.values["feedback.source_id"]: each.row_number for each in fresh}
    ImportChange.objects.bulk_create(
        ImportChange(
            import_run_id=work.run_id,
            row_number=row_by_source[row.source_id],
            subject=_SUBJECT,
            subject_id=row.pk,
            is_new=True,
        )
        for row in made
    )
    return outcomes


def _recorded(facts: Sequence[Fact]) -> set[str]:
    ids = [each.values["feedback.source_id"] for each in facts]
    found = Feedback.objects.filter(source=SOURCE, source_id__in=ids)
    return set(found.values_list("source_id", flat=True))


def _named(model: Any, field: str, facts: Iterable[Fact]) -> dict[str, Any]:
    """Return the items or orders that the facts name, by their external ids."""
    wanted = {each.values[field] for each in facts if each.values.get(field)}
    if not wanted:
        return {}
    return {each.external_id: each for each in model.objects.filter(external_id__in=wanted)}


def _undo(params: dict[str, Any]) -> Counter[str]:
    rows = staging.rows("SELECT subject_id FROM undone WHERE subject = %(subject)s", {"subject": _SUBJECT})
    ids = [pk for (pk,) in rows]
    removed = feedback.remove(feedback_ids=ids, at=params["at"])
    return Counter(feedback=removed, feedback_in_use=len(ids) - removed)


register(
    Kind(
        key="feedback",
        label=_("Feedback"),
        hint=_("One rating or text a row. A row without a customer needs an id of its own."),
        symbol="forum",
        fields=FIELDS,
        importer=RecordImporter(
            FIELDS,
            FactLoader(_record, flaw=_flaw, key=_key, needs_customer=False, foresee=_foresee, undo=_undo),
        ),
        permission=Permission.FEEDBACK_EDIT,
    )
)
