"""The first step into the ladder gets a name of its own, also in the histories kept so far."""

from django.db import migrations, models

# Row by row of each tenant, because the policy shows the owner of the table no rows without one either.
RENAME = """
ALTER TABLE rewards_tierchange DISABLE TRIGGER USER;
DO $$
DECLARE one bigint;
BEGIN
    FOR one IN SELECT id FROM tenants_tenant LOOP
        PERFORM set_config('app.tenant_id', one::text, true);
        UPDATE rewards_tierchange SET move = '{after}'
        WHERE tenant_id = one AND move = '{before}' AND from_key = '' AND to_key <> '';
    END LOOP;
    PERFORM set_config('app.tenant_id', '', true);
END $$;
ALTER TABLE rewards_tierchange ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0010_refs_remapped_tiers_coupon_pace")]

    operations = [
        migrations.AlterField(
            model_name="tierchange",
            name="move",
            field=models.CharField(
                choices=[
                    ("entered", "Entered the tier"),
                    ("upgraded", "Upgraded"),
                    ("renewed", "Renewed"),
                    ("grace", "In grace"),
                    ("downgraded", "Downgraded"),
                    ("remapped", "Moved, its tier is gone"),
                    ("locked", "Locked"),
                    ("unlocked", "Unlocked"),
                    ("merged", "Customers merged or separated"),
                ],
                max_length=10,
                verbose_name="change",
            ),
        ),
        migrations.RunSQL(
            RENAME.format(before="upgraded", after="entered"),
            RENAME.format(before="entered", after="upgraded"),
        ),
    ]
