"""A batch that comes second to a member's first points posts them too."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_BATCHES = Path(__file__).parent / "sql" / "points_batches.sql"


class Migration(migrations.Migration):
    dependencies = [("rewards", "0008_ended_lots_stay_ended")]

    operations = [migrations.RunSQL(_BATCHES.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
