"""Activity keeps points alive, and does not bring back what had ended before it."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_NOW = ("points_inactivity", "points_rights")


class Migration(migrations.Migration):
    dependencies = [("rewards", "0007_referrals_and_reviews")]

    operations = [
        migrations.RunSQL(
            "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in _NOW),
            "DROP FUNCTION rewards_keep_alive",
        )
    ]
