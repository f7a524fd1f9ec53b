"""The export of one customer: a ZIP with JSON for machines and one page for people."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string

from crm.models import Customer, PrivacyArchive, PrivacyRequest
from crm.queries import exports

KEPT_FOR: Final = timedelta(days=7)
# The page is for reading; thousands of events are for the machine's files.
_MOST_READABLE: Final = 500
_README: Final = (
    "data/*.json: everything kept about the customer, one file a section.\nindex.html: the same to read.\n"
)


@transaction.atomic
def make(*, request: PrivacyRequest, at: datetime) -> PrivacyArchive:
    """Build the archive of a request's customer and keep it for a week; the last one stays."""
    content = packed(request.customer, exports.sections(request.customer), at)
    archive, _created = PrivacyArchive.objects.update_or_create(
        request=request,
        defaults={
            "content": content,
            "sha256": sha256(content).hexdigest(),
            "created_at": at,
            "expires_at": at + KEPT_FOR,
        },
    )
    kept: PrivacyArchive = archive
    return kept


def packed(customer: Customer, sections: Mapping[str, Any], at: datetime) -> bytes:
    """Return the ZIP file's bytes; the same input gives the same bytes."""
    buffer = io.BytesIO()
    texts = {name: _json(sections[name]) for name in exports.names(sections)}
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        for name, text in texts.items():
            archive.writestr(f"data/{name}.json", text)
        tables = [(name, _table(json.loads(text))) for name, text in texts.items()]
        page = render_to_string(
            "privacy/archive.html", {"customer": customer, "tables": tables, "made_at": at}
        )
        archive.writestr("index.html", page)
    return buffer.getvalue()


def _json(section: Any) -> str:
    return json.dumps(section, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _table(section: Any) -> dict[str, Any]:
    rows = section if isinstance(section, list) else [section] if section else []
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_shown(row.get(column)) for column in columns] for row in rows[:_MOST_READABLE]]
    return {"columns": columns, "rows": cells, "left_out": max(0, len(rows) - _MOST_READABLE)}


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
