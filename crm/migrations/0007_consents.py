from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import crm.models.customer_policy
import tenants.models.base
from tenants.operations import IsolateTenantTable

# The history is added to. A merge may move a row, an erasure may empty its proof; nothing else can change.
PROTECT_HISTORY = """
REVOKE UPDATE ON crm_consentchange FROM app_rw;
GRANT UPDATE (customer_id, address, recorded_by) ON crm_consentchange TO app_rw;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0006_event_keys"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="may_personalise",
            field=models.BooleanField(db_default=True, default=True, verbose_name="may get personal lists"),
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("marketing", "Marketing"),
                            ("profiling", "Profiling"),
                            ("personalisation", "Personalisation"),
                            ("analytics", "Analytics"),
                            ("service", "Service messages"),
                            ("research", "Surveys and research"),
                            ("third_party", "Sharing with partners"),
                        ],
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("any", "Any channel"),
                            ("email", "E-mail"),
                            ("sms", "Text message"),
                            ("push", "Push message"),
                            ("post", "Post"),
                            ("phone", "Phone"),
                            ("in_app", "In the app"),
                        ],
                        default="any",
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                ("is_granted", models.BooleanField(verbose_name="is granted")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
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
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        fields=["tenant", "purpose", "channel", "is_granted", "customer"],
                        name="crm_consent_by_purpose",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "purpose", "channel"),
                        name="crm_consent_purpose_channel",
                    )
                ],
            },
        ),
        IsolateTenantTable("Consent"),
        migrations.CreateModel(
            name="ConsentChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("marketing", "Marketing"),
                            ("profiling", "Profiling"),
                            ("personalisation", "Personalisation"),
                            ("analytics", "Analytics"),
                            ("service", "Service messages"),
                            ("research", "Surveys and research"),
                            ("third_party", "Sharing with partners"),
                        ],
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("any", "Any channel"),
                            ("email", "E-mail"),
                            ("sms", "Text message"),
                            ("push", "Push message"),
                            ("post", "Post"),
                            ("phone", "Phone"),
                            ("in_app", "In the app"),
                        ],
                        default="any",
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                ("is_granted", models.BooleanField(verbose_name="is granted")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                ("recorded_by", models.CharField(max_length=254, verbose_name="recorded by")),
                ("source", models.CharField(blank=True, default="", max_length=60, verbose_name="source")),
                (
                    "wording",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="wording version"),
                ),
                ("address", models.CharField(blank=True, default="", max_length=45, verbose_name="address")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_changes",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
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
                "verbose_name": "consent change",
                "verbose_name_plural": "consent changes",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "purpose", "channel", "occurred_at", "is_granted"),
                        name="crm_consent_change_once",
                    )
                ],
            },
        ),
        IsolateTenantTable("ConsentChange"),
        migrations.CreateModel(
            name="CustomerPolicy",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "phone_region",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=2,
                        validators=[django.core.validators.RegexValidator("^[A-Z]{2}\\Z")],
                        verbose_name="phone region",
                    ),
                ),
                (
                    "ignores_gmail_dots",
                    models.BooleanField(default=False, verbose_name="ignores dots of Gmail addresses"),
                ),
                (
                    "drops_plus_tag",
                    models.BooleanField(default=False, verbose_name="drops what follows + in addresses"),
                ),
                (
                    "needs_profiling_consent",
                    models.BooleanField(default=False, verbose_name="profiling needs consent"),
                ),
                (
                    "is_non_personalised",
                    models.BooleanField(default=False, verbose_name="non-personalised lists for everybody"),
                ),
                (
                    "erasure_grace_days",
                    models.PositiveSmallIntegerField(default=0, verbose_name="days before an erasure"),
                ),
                (
                    "tombstone_salt",
                    models.CharField(
                        default=crm.models.customer_policy.new_salt,
                        editable=False,
                        max_length=64,
                        verbose_name="tombstone salt",
                    ),
                ),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
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
                "verbose_name": "customer policy",
                "verbose_name_plural": "customer policies",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="crm_customer_policy_tenant")
                ],
            },
        ),
        IsolateTenantTable("CustomerPolicy"),
        migrations.RunSQL(PROTECT_HISTORY, "GRANT UPDATE ON crm_consentchange TO app_rw"),
    ]
