from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0012_coupon_owners"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "digest",
                    models.CharField(db_collation="C", max_length=64, verbose_name="digest of the document"),
                ),
                ("days", models.PositiveIntegerField(verbose_name="days")),
                ("until", models.DateTimeField(verbose_name="until")),
                ("result", models.JSONField(verbose_name="result")),
                ("rehearsed_at", models.DateTimeField(verbose_name="rehearsed at")),
                ("rehearsed_by", models.CharField(max_length=200, verbose_name="rehearsed by")),
            ],
            options={
                "verbose_name": "rehearsal",
                "verbose_name_plural": "rehearsals",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.RemoveConstraint(
            model_name="programrevision",
            name="rewards_revision_published_has_moment",
        ),
        migrations.AddField(
            model_name="program",
            name="allows_self_approval",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="self-approval is allowed"
            ),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="base_number",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="based on"),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="review_comment",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=1000, verbose_name="comment of the review"
            ),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="reviewed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="reviewed at"),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="reviewed_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="reviewed by"
            ),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="submitted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="sent to review at"),
        ),
        migrations.AddField(
            model_name="programrevision",
            name="submitted_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="sent to review by"
            ),
        ),
        migrations.AlterField(
            model_name="programrevision",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("rehearsed", "Rehearsed"),
                    ("in_review", "In review"),
                    ("changes_requested", "Changes requested"),
                    ("approved", "Approved"),
                    ("published", "Published"),
                    ("retired", "Retired"),
                ],
                default="draft",
                max_length=20,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="programrevision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["published", "retired"]), ("published_at__isnull", False)),
                    models.Q(
                        models.Q(("state__in", ["published", "retired"]), _negated=True),
                        ("published_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="rewards_revision_published_has_moment",
            ),
        ),
        migrations.AddField(
            model_name="rehearsal",
            name="revision",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rehearsals",
                to="rewards.programrevision",
                verbose_name="program revision",
            ),
        ),
        migrations.AddField(
            model_name="rehearsal",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenant",
                verbose_name="tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="rehearsal",
            index=models.Index(
                models.F("tenant"),
                models.F("revision"),
                models.OrderBy(models.F("rehearsed_at"), descending=True),
                name="rewards_rehearsal_latest",
            ),
        ),
        IsolateTenantTable("Rehearsal"),
    ]
