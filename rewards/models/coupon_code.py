from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.coupon_definition import CouponDefinition
from rewards.models.dependent_row import DependentRow
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class PoolKind(models.TextChoices):
    GENERATED = "generated", _("Generated")
    IMPORTED = "imported", _("Imported")


class CouponPool(PublicIdModel, TenantModel):
    """A set of unique codes of one definition, generated or imported by a job."""

    definition = TenantForeignKey(
        CouponDefinition, models.PROTECT, related_name="pools", verbose_name=_("coupon definition")
    )
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=9, choices=PoolKind.choices)
    pattern = models.CharField(_("pattern of codes"), max_length=40, blank=True, default="")
    requested = models.PositiveIntegerField(_("codes asked for"), default=0)
    codes_count = models.PositiveIntegerField(_("codes"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)
    job_id = models.UUIDField(_("job"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon pool")
        verbose_name_plural = _("coupon pools")
        constraints = [public_id_constraint("rewards_couponpool")]
        indexes = [models.Index("tenant", models.F("id").desc(), name="rewards_couponpool_latest")]

    def __str__(self) -> str:
        return self.name


class CodeState(models.TextChoices):
    AVAILABLE = "available", _("Available")
    RESERVED = "reserved", _("Reserved")
    ASSIGNED = "assigned", _("Assigned")
    REDEEMED = "redeemed", _("Redeemed")
    EXHAUSTED = "exhausted", _("Used up")
    EXPIRED = "expired", _("Expired")
    VOID = "void", _("Void")


class CouponCode(DependentRow):
    """One code. Generic codes are for everybody and have no customer; `uses` counts reserved ones too.

    `balance_minor` is what a stored-value code still holds. A code in `RESERVED` waits for its customer until
    `reserved_until`. What a code was issued for (`source_type`, `source_id`) is unique for ever.
    """

    definition = TenantForeignKey(
        CouponDefinition, models.PROTECT, related_name="codes", verbose_name=_("coupon definition")
    )
    pool = TenantForeignKey(
        CouponPool, models.PROTECT, null=True, blank=True, related_name="codes", verbose_name=_("coupon pool")
    )
    code = models.CharField(_("code"), max_length=60, db_collation="C")
    is_generic = models.BooleanField(_("for everybody"), default=False)
    state = models.CharField(_("state"), max_length=9, choices=CodeState.choices, default=CodeState.AVAILABLE)
    uses = models.PositiveIntegerField(_("uses"), default=0)
    uses_limit = models.PositiveIntegerField(_("uses allowed"), null=True, blank=True)
    balance_minor = models.BigIntegerField(_("balance"), null=True, blank=True)
    customer = TenantForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="coupon_codes",
        verbose_name=_("customer"),
    )
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    reserved_until = models.DateTimeField(_("reserved until"), null=True, blank=True)
    source_type = models.CharField(_("source type"), max_length=40, null=True, blank=True, db_collation="C")
    source_id = models.CharField(_("source"), max_length=200, null=True, blank=True, db_collation="C")
    former_owners = models.JSONField(_("former owners"), null=True, blank=True)
    void_reason = models.CharField(_("reason for voiding"), max_length=300, blank=True, default="")

    class Meta(DependentRow.Meta):
        verbose_name = _("coupon code")
        verbose_name_plural = _("coupon codes")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="rewards_couponcode_code"),
            models.UniqueConstraint(
                fields=["tenant", "source_type", "source_id"],
                name="rewards_couponcode_source",
                condition=models.Q(source_id__isnull=False),
            ),
            models.CheckConstraint(
                name="rewards_couponcode_within_limit",
                condition=models.Q(uses_limit__isnull=True) | models.Q(uses__lte=models.F("uses_limit")),
            ),
            models.CheckConstraint(
                name="rewards_couponcode_balance_not_negative",
                condition=models.Q(balance_minor__isnull=True) | models.Q(balance_minor__gte=0),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "customer", "id"],
                name="rewards_couponcode_customer",
                condition=models.Q(customer__isnull=False),
            ),
            # A million codes pay for each index: free ones are found by their pool, those without by this.
            models.Index(
                fields=["tenant", "pool", "state", "id"],
                name="rewards_couponcode_pool",
                condition=models.Q(pool__isnull=False),
            ),
            models.Index(
                fields=["tenant", "definition", "id"],
                name="rewards_couponcode_definition",
                condition=models.Q(pool__isnull=True),
            ),
            models.Index(
                fields=["tenant", "reserved_until"],
                name="rewards_couponcode_reserved",
                condition=models.Q(state=CodeState.RESERVED),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_counted(self) -> bool:
        """Whether a use moves this row: a code for everybody without a limit would be one hot row."""
        return self.uses_limit is not None or self.balance_minor is not None or self.customer_id is not None
