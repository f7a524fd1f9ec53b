"""The import of items: new ones are added, known ones patched; an empty cell keeps what is there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import transaction

from crm.domain.mappings import ITEM_MAPPINGS, ItemMapping
from crm.domain.money import to_minor
from crm.locks import lock_imports
from crm.models import ImportRun
from crm.models.import_run import ImportKind
from crm.services.imports import records, runs, staging
from crm.services.imports.errors import UnknownMapping
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant

_UPSERT = f"""
WITH {records.LATEST}
INSERT INTO crm_item AS kept (tenant_id, public_id, external_id, name, category, subcategory, brand,
                              price_minor, attributes, is_active, created_at, updated_at)
SELECT %(tenant)s, crm_new_public_id(), external_id,
       coalesce(fields->>'name', external_id), coalesce(fields->>'category', ''),
       coalesce(fields->>'subcategory', ''), coalesce(fields->>'brand', ''), (fields->>'price_minor')::bigint,
       coalesce(fields->'attributes', '{{}}'), true, %(at)s, %(at)s
FROM latest ORDER BY row_number
ON CONFLICT (tenant_id, external_id) DO UPDATE SET
    name = CASE WHEN excluded.name = excluded.external_id THEN kept.name ELSE excluded.name END,
    category = coalesce(nullif(excluded.category, ''), kept.category),
    subcategory = coalesce(nullif(excluded.subcategory, ''), kept.subcategory),
    brand = coalesce(nullif(excluded.brand, ''), kept.brand),
    price_minor = coalesce(excluded.price_minor, kept.price_minor),
    attributes = kept.attributes || excluded.attributes,
    updated_at = excluded.updated_at
WHERE (excluded.name NOT IN (kept.name, excluded.external_id))
   OR excluded.category NOT IN ('', kept.category) OR excluded.subcategory NOT IN ('', kept.subcategory)
   OR excluded.brand NOT IN ('', kept.brand) OR excluded.price_minor <> coalesce(kept.price_minor, -1)
   OR NOT kept.attributes @> excluded.attributes
"""  # noqa: S608 - joined from constants


@transaction.atomic
def import_items(*, path: Path, mapping: str, by: Actor, at: datetime) -> ImportRun:
    """Load a file of items. Raises ``UnknownMapping``, ``UnreadableFile``, ``MissingColumns``."""
    by.require(Permission.CUSTOMERS_IMPORT)
    if mapping not in ITEM_MAPPINGS:
        raise UnknownMapping(f"There is no item mapping “{mapping}”; there are {', '.join(ITEM_MAPPINGS)}.")
    lock_imports()
    staging.begin()
    chosen, tenant, watch = ITEM_MAPPINGS[mapping], active_tenant(), staging.Stopwatch()
    columns = _columns(chosen)
    run = runs.begin(kind=ImportKind.ITEMS, mapping=mapping, path=path, by=by, at=at)
    with watch.stage("read"):
        read = records.stage(path, columns, chosen.optional, _Parser(chosen, tenant.currency))
    with watch.stage("load"):
        changed = staging.run(_UPSERT, {"tenant": tenant.pk, "at": at})
    quarantined = records.quarantine(run, path, columns)
    report = {
        "items_changed": changed,
        "quarantined": dict(quarantined.most_common()),
        "seconds": watch.seconds,
    }
    merged = read - quarantined.total() - changed
    return runs.finish(
        run, read=read, merged=merged, quarantined=quarantined.total(), report=report, by=by, at=at
    )


def _columns(mapping: ItemMapping) -> tuple[str, ...]:
    named = (mapping.category, mapping.subcategory, mapping.brand, mapping.price)
    return tuple(
        dict.fromkeys(
            (mapping.external_id, *mapping.label, *(name for name in named if name), *mapping.attributes)
        )
    )


class _Parser:
    """Reads one row of an item file."""

    def __init__(self, mapping: ItemMapping, currency: str) -> None:
        self.mapping, self.currency = mapping, currency

    def __call__(self, row: dict[str, Any]) -> tuple[str | None, dict[str, Any], str | None]:
        mapping = self.mapping
        external_id = records.text(row.get(mapping.external_id))
        named = {"category": mapping.category, "subcategory": mapping.subcategory, "brand": mapping.brand}
        fields: dict[str, Any] = {
            field: records.text(row.get(column))[:120] for field, column in named.items() if column
        }
        fields["name"] = self._name(row, external_id)
        attributes = {key: records.text(row.get(column)) for column, key in mapping.attributes.items()}
        fields["attributes"] = {key: value for key, value in attributes.items() if value}
        problem = records.identified(external_id)
        try:
            fields["price_minor"] = self._price(row)
        except (InvalidOperation, ValueError):
            problem = problem or "price_invalid"
        return external_id, fields, problem

    def _name(self, row: dict[str, Any], external_id: str) -> str:
        texts = (records.text(row.get(column)) for column in self.mapping.label)
        return next(filter(None, texts), external_id)[:300]

    def _price(self, row: dict[str, Any]) -> int | None:
        price = records.text(row.get(self.mapping.price)) if self.mapping.price else ""
        if not price:
            return None
        amount = Decimal(price)
        if not 0 <= amount < 10**12:
            raise ValueError(price)
        return to_minor(amount, self.currency)
