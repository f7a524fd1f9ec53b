"""A posting makes its setting by an assignment; PERFORM runs a statement for it."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_POSTINGS = Path(__file__).parent / "sql" / "points_postings.sql"


class Migration(migrations.Migration):
    dependencies = [("rewards", "0014_limits_of_coupons_in_periods")]

    operations = [migrations.RunSQL(_POSTINGS.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
