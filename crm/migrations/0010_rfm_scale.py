"""The cells of recency, frequency and money; touches that leave the history as it is."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0009_segment_runs"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="customertouch",
            name="is_history",
            field=models.BooleanField(default=True, verbose_name="is of the history"),
        ),
        migrations.CreateModel(
            name="RfmScale",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "recency_from",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), size=None, verbose_name="last orders from"
                    ),
                ),
                (
                    "frequency_from",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None, verbose_name="orders from"
                    ),
                ),
                (
                    "monetary_from",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None, verbose_name="revenue from"
                    ),
                ),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "RFM scale",
                "verbose_name_plural": "RFM scales",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="crm_rfm_scale_once")],
            },
        ),
        IsolateTenantTable("RfmScale"),
    ]
