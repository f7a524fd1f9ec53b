from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0015_settings_by_assignment"),
    ]

    operations = [
        migrations.AlterField(
            model_name="abusereview",
            name="kind",
            field=models.CharField(
                choices=[
                    ("redemptions", "Redemptions of a customer"),
                    ("refunds", "Refunds of a customer"),
                    ("referrals", "Referrals by a customer"),
                    ("guesses", "Guessed coupon codes"),
                    ("coupons", "Carts with coupons of a customer"),
                    ("transfers", "Points given away by a customer"),
                ],
                max_length=11,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="velocitylimit",
            name="kind",
            field=models.CharField(
                choices=[
                    ("redemptions", "Redemptions of a customer"),
                    ("refunds", "Refunds of a customer"),
                    ("referrals", "Referrals by a customer"),
                    ("guesses", "Guessed coupon codes"),
                    ("coupons", "Carts with coupons of a customer"),
                    ("transfers", "Points given away by a customer"),
                ],
                max_length=11,
                verbose_name="kind",
            ),
        ),
    ]
