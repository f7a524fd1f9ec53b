from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0007_consents"),
    ]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="given",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=254, verbose_name="as given"
            ),
        ),
    ]
