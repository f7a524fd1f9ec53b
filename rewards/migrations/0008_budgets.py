from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0007_points_functions"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.AlterField(
            model_name="decisionrecord",
            name="event_type",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("return", "Return"),
                    ("event", "Event"),
                    ("birthday", "Birthday"),
                    ("anniversary", "Anniversary"),
                    ("enrolment", "Enrolment"),
                ],
                max_length=12,
                verbose_name="event",
            ),
        ),
        migrations.CreateModel(
            name="BudgetUsage",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("budget_key", models.CharField(db_collation="C", max_length=60, verbose_name="budget")),
                ("period_number", models.BigIntegerField(verbose_name="period")),
                ("points", models.BigIntegerField(default=0, verbose_name="points")),
                ("money_minor", models.BigIntegerField(default=0, verbose_name="money in minor units")),
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
                "verbose_name": "budget usage",
                "verbose_name_plural": "budget usages",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "budget_key", "period_number"), name="rewards_budget_usage_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("money_minor__gte", 0), ("points__gte", 0)),
                        name="rewards_budget_usage_not_negative",
                    ),
                ],
            },
        ),
        IsolateTenantTable("BudgetUsage"),
    ]
