"""A batch of postings has a reason, as single ones do."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_START, _END = "CREATE FUNCTION rewards_post_batch(", "END $$;"
_DROP = "DROP FUNCTION rewards_post_batch;"


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _before() -> str:
    """The function as it was, out of the file that it came with."""
    text = _read("points_postings")
    start = text.index(_START)
    return text[start : text.index(_END, start) + len(_END)]


class Migration(migrations.Migration):
    dependencies = [("rewards", "0014_merged_tiers")]

    operations = [
        migrations.RunSQL(
            "\n".join([_DROP, _read("post_batch_reason"), _read("points_rights")]),
            "\n".join([_DROP, _before(), _read("points_rights")]),
        )
    ]
