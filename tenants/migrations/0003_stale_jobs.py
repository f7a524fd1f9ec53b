"""The sweeper looks for open jobs over all tenants; without this index it would read every job there was."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_access_functions")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX tenants_job_stale ON tenants_job (sent_at) WHERE state IN ('queued', 'running')",
            "DROP INDEX tenants_job_stale",
        )
    ]
