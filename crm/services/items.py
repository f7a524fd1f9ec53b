from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from crm.models import Item
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.services import audit


@transaction.atomic
def upsert(*, external_id: str, fields: Mapping[str, Any], by: Actor, at: datetime) -> tuple[Item, bool]:
    """Create the item or patch the named fields; return it and whether it is new."""
    by.require(Permission.ITEMS_EDIT)
    known = Item.objects.filter(external_id=external_id).first()
    before = {name: getattr(known, name) for name in fields} if known else {}
    item, is_new = Item.objects.update_or_create(
        external_id=external_id,
        defaults={**fields, "updated_at": at},
        create_defaults={"name": external_id, **fields, "created_at": at, "updated_at": at},
    )
    diff = {name: [before.get(name), value] for name, value in fields.items() if before.get(name) != value}
    audit.record(action="item.created" if is_new else "item.updated", target=item, by=by, at=at, diff=diff)
    return item, is_new
