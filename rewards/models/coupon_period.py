from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CouponPeriod(models.TextChoices):
    """A period of the tenant's calendar that limits of coupons and campaigns count over."""

    DAY = "day", _("a day")
    WEEK = "week", _("a week")
    MONTH = "month", _("a month")
