"""Items from files: found by their id, patched, or made when they are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.services import attribute_definitions
from crm.services.imports import item_statements as sql
from crm.services.imports import staging
from crm.services.imports.kinds import Kind, Work, register
from crm.services.imports.staged import CHANGED, NEW, UNCHANGED, Keyed, RecordImporter

_ATTRIBUTE: Final = "attribute."
FIELDS: Final = FieldSet(
    fields=(
        ImportField("item.external_id", _("Item id"), is_required=True, synonyms=(
            "sku", "item id", "item", "product id", "product code", "stock code", "stockcode", "article",
            "article no",
            "course id", "external id", "id", "商品编号", "商品编码", "货号", "产品编号", "编号")),
        ImportField("item.name", _("Name"), longest=300, synonyms=(
            "name", "title", "item name", "product name", "description", "product", "商品名称", "名称",
            "产品名称", "品名", "标题")),
        ImportField("item.category", _("Category"), longest=120, synonyms=(
            "category", "department", "group", "类别", "分类", "品类", "一级分类")),
        ImportField("item.subcategory", _("Subcategory"), longest=120, synonyms=(
            "subcategory", "sub category", "product category", "子类别", "子分类", "二级分类")),
        ImportField("item.brand", _("Brand"), longest=120, synonyms=("brand", "make", "品牌")),
        ImportField("item.price_minor", _("Price"), ValueType.MONEY, synonyms=(
            "price", "unit price", "list price", "retail price", "价格", "单价", "售价")),
        ImportField("item.is_active", _("Is active"), ValueType.BOOLEAN, synonyms=(
            "active", "is active", "available", "enabled", "在售", "上架", "是否上架")),
    ),
    open_prefix=_ATTRIBUTE,
)  # fmt: skip


class ItemLoader:
    """Writes blocks of items with a journal."""

    def keyer(self, work: Work) -> Callable[[dict[str, Any]], Keyed]:
        return _keyed

    def prepare(self, work: Work) -> None:
        """Declare the attributes that the plan names and nobody has declared yet."""
        types = {
            column.target.removeprefix(_ATTRIBUTE): column.type or "text"
            for column in work.plan.columns
            if column.target.startswith(_ATTRIBUTE)
        }
        attribute_definitions.ensure_types(types, subject="item")

    def judge(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        return self._compared({**params, "writes": False})

    def load(self, work: Work, params: dict[str, Any]) -> Counter[str]:
        counts = self._compared({**params, "writes": True})
        for statement in (sql.ADD, sql.patch("change", "after"), sql.KEEP_JOURNAL):
            staging.run(statement, params)
        return counts

    def undo(self, params: dict[str, Any]) -> Counter[str]:
        staging.run(sql.FIND_RESTORABLE, params)
        staging.run(sql.patch("restored", "back"), params)
        [(restored, since)] = staging.rows(sql.COUNT_RESTORED)
        retired = staging.run(sql.RETIRE, params)
        [(made,)] = staging.rows("SELECT count(*) FROM undone WHERE subject = 'item' AND is_new")
        return Counter(retired=retired, in_use=made - retired, restored=restored, changed_since=since)

    def finish(self, work: Work) -> None:
        """Nothing else follows from items."""

    def _compared(self, params: dict[str, Any]) -> Counter[str]:
        staging.run(sql.COLLECT, params)
        staging.run(sql.COMPARE, params)
        [(new, changed, unchanged)] = staging.rows(sql.COUNT)
        return Counter({NEW: new, CHANGED: changed, UNCHANGED: unchanged})


def _keyed(values: dict[str, Any]) -> Keyed:
    price = values.get("item.price_minor")
    if price is not None and price < 0:
        return Keyed(reason="price_negative")
    return Keyed("item", values["item.external_id"])


register(
    Kind(
        key="items",
        label=_("Items"),
        hint=_("One product, course or article a row, found by its id."),
        symbol="inventory_2",
        fields=FIELDS,
        importer=RecordImporter(FIELDS, ItemLoader()),
    )
)
