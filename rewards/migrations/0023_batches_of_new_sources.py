"""A batch knows all it will write before it writes: new sources are the rule, known ones the exception."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_BATCHES = Path(__file__).parent / "sql" / "points_batches.sql"


class Migration(migrations.Migration):
    dependencies = [("rewards", "0022_plain_postings")]

    operations = [migrations.RunSQL(_BATCHES.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
