"""A hold whose time is over is not captured, and a repeated reversal tells what was missing."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_NOW = ("points_holds", "points_corrections", "points_rights")


class Migration(migrations.Migration):
    dependencies = [("rewards", "0019_cheaper_postings")]

    operations = [
        migrations.RunSQL(
            "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in _NOW),
            migrations.RunSQL.noop,
        )
    ]
