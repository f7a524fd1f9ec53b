"""A batch of postings has a reason, as single ones do."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_START, _END = "CREATE OR REPLACE FUNCTION rewards_post_batch(", "END $$;"


def _function() -> str:
    text = (_SQL / "points_postings.sql").read_text(encoding="utf-8")
    start = text.index(_START)
    return text[start : text.index(_END, start) + len(_END)]


class Migration(migrations.Migration):
    dependencies = [("rewards", "0014_merged_tiers")]

    # With one argument more it is another function: the one without has to go first.
    operations = [
        migrations.RunSQL("DROP FUNCTION rewards_post_batch;\n" + _function(), migrations.RunSQL.noop)
    ]
