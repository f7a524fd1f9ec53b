"""What every posting pays and nobody gains from, taken off it; see ADR 10.

CHECK constraints are read from their text at every statement; those of a domain are read once a session. A
BEFORE trigger locks each row once more, with a record in the log, even where its column is not changed.
"""

from __future__ import annotations

from pathlib import Path

from django.db import migrations, models

_SQL = Path(__file__).parent / "sql"
_KEYS_ARE_KEPT = """
DROP TRIGGER rewards_account_refuse_new_key ON rewards_account;
CREATE TRIGGER rewards_account_refuse_new_key {when} UPDATE OF tenant_id, id ON rewards_account
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id) IS DISTINCT FROM (NEW.tenant_id, NEW.id))
    EXECUTE FUNCTION rewards_refuse_new_key();
DROP TRIGGER rewards_lot_refuse_new_key ON rewards_lot;
CREATE TRIGGER rewards_lot_refuse_new_key {when} UPDATE OF tenant_id, id, account_id ON rewards_lot
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id, OLD.account_id) IS DISTINCT FROM (NEW.tenant_id, NEW.id, NEW.account_id))
    EXECUTE FUNCTION rewards_refuse_new_key();
"""
_DOMAINS = """
CREATE DOMAIN rewards_points AS bigint CONSTRAINT rewards_points_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN rewards_grant AS bigint CONSTRAINT rewards_grant_positive CHECK (VALUE > 0);
ALTER TABLE rewards_account
    ALTER available TYPE rewards_points, ALTER held TYPE rewards_points,
    ALTER pending TYPE rewards_points, ALTER debt TYPE rewards_points;
ALTER TABLE rewards_lot ALTER granted TYPE rewards_grant, ALTER held TYPE rewards_points;
"""
_NO_DOMAINS = """
ALTER TABLE rewards_account
    ALTER available TYPE bigint, ALTER held TYPE bigint, ALTER pending TYPE bigint, ALTER debt TYPE bigint;
ALTER TABLE rewards_lot ALTER granted TYPE bigint, ALTER held TYPE bigint;
DROP DOMAIN rewards_points, rewards_grant;
"""


def _functions() -> str:
    return "\n".join(
        (_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in ("points_check", "points_postings")
    )


class Migration(migrations.Migration):
    dependencies = [("rewards", "0021_protections_of_tier_changes")]

    operations = [
        migrations.RunSQL(_KEYS_ARE_KEPT.format(when="AFTER"), _KEYS_ARE_KEPT.format(when="BEFORE")),
        migrations.RemoveConstraint("account", "rewards_account_not_negative"),
        migrations.RemoveConstraint("lot", "rewards_lot_within_grant"),
        migrations.RunSQL(_DOMAINS, _NO_DOMAINS),
        migrations.AddConstraint(
            "lot",
            models.CheckConstraint(
                condition=models.Q(remaining__gte=models.F("held"), granted__gte=models.F("remaining")),
                name="rewards_lot_within_grant",
            ),
        ),
        migrations.RunSQL(_functions(), migrations.RunSQL.noop),
    ]
