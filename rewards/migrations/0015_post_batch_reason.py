"""A batch of postings has a reason, as single ones do."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("rewards", "0014_merged_tiers")]

    # With one argument more it is another function: the one without has to go first.
    operations = [
        migrations.RunSQL(
            "DROP FUNCTION rewards_post_batch;\n" + (_SQL / "points_batches.sql").read_text(encoding="utf-8"),
            migrations.RunSQL.noop,
        )
    ]
