from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_pricing import MOST_CODES
from rewards.queries import coupon_definitions
from rewards.queries.coupon_evaluation import Evaluation
from tenants.api.serializers import PublicIdField, StrictSerializer

_MOST_LINES = 500
_LARGEST_MINOR = 10**12
_LARGEST_CART_MINOR = 10**15
_LONGEST_RESERVATION = 86_400


class CartLineInput(StrictSerializer):
    sku = serializers.CharField(max_length=200)
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000)
    unit_price_minor = serializers.IntegerField(min_value=0, max_value=_LARGEST_MINOR)
    category = serializers.CharField(max_length=120, default="", allow_blank=True)


class CartInput(StrictSerializer):
    lines = serializers.ListField(child=CartLineInput(), allow_empty=False, max_length=_MOST_LINES)
    shipping_minor = serializers.IntegerField(min_value=0, max_value=_LARGEST_MINOR, default=0)
    channel = serializers.CharField(max_length=60, default="", allow_blank=True)
    currency = serializers.CharField(max_length=3, default="", allow_blank=True)

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(line["quantity"] * line["unit_price_minor"] for line in lines) > _LARGEST_CART_MINOR:
            raise serializers.ValidationError("The cart is worth too much.", code="out_of_range")
        return lines


def cart_of(data: dict[str, Any]) -> Cart:
    """Return what ``CartInput`` read as a cart."""
    lines = [CartLine(**line) for line in data["lines"]]
    return Cart(lines, data["shipping_minor"], data["channel"], data["currency"].upper())


class CouponsInput(StrictSerializer):
    """Codes and the cart they are for; ``client`` is the shopper's address or session, kept nowhere."""

    codes = serializers.ListField(
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=MOST_CODES
    )
    cart = CartInput()
    customer = PublicIdField(of="customers", required=False, allow_null=True, default=None)
    client = serializers.CharField(max_length=120, default="", allow_blank=True)


class RedeemInput(CouponsInput):
    order = serializers.CharField(max_length=200, default="", allow_blank=True)


class ReserveInput(RedeemInput):
    ttl_seconds = serializers.IntegerField(min_value=1, max_value=_LONGEST_RESERVATION, default=900)


class ConfirmInput(StrictSerializer):
    order = serializers.CharField(max_length=200, default="", allow_blank=True)


class ReasonInput(StrictSerializer):
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class IssueInput(StrictSerializer):
    customer = PublicIdField(of="customers")
    definition = serializers.SlugField(max_length=60)


class RejectionOutput(serializers.Serializer[object]):
    reason = serializers.CharField()
    missing = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class VerdictOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    definition = serializers.CharField(allow_null=True)
    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # read by name, never called
    is_outdone = serializers.BooleanField()
    discount_minor = serializers.IntegerField()
    line_discounts_minor = serializers.ListField(child=serializers.IntegerField())
    shipping_discount_minor = serializers.IntegerField()
    reasons = RejectionOutput(many=True)


class ValidationOutput(serializers.Serializer[object]):
    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # read by name, never called
    codes = VerdictOutput(many=True)
    goods_minor = serializers.IntegerField()
    shipping_minor = serializers.IntegerField()
    discount_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField()


def validation_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as ``ValidationOutput`` reads it."""
    priced = evaluation.priced
    return {
        "is_valid": evaluation.is_valid,
        "codes": [
            {
                "code": verdict.code,
                "definition": verdict.candidate.definition.key if verdict.candidate else None,
                "is_valid": verdict.is_valid,
                "is_outdone": verdict.is_outdone,
                "discount_minor": verdict.applied.total_minor if verdict.applied else 0,
                "line_discounts_minor": list(verdict.applied.by_line) if verdict.applied else [],
                "shipping_discount_minor": verdict.applied.shipping_minor if verdict.applied else 0,
                "reasons": verdict.rejections,
            }
            for verdict in evaluation.verdicts
        ],
        "goods_minor": priced.cart.goods_minor,
        "shipping_minor": priced.cart.shipping_minor,
        "discount_minor": priced.discount_minor,
        "total_minor": priced.total_minor,
    }


class CouponUseOutput(serializers.Serializer[object]):
    code = serializers.CharField(source="code.code")
    definition = serializers.CharField(source="definition.key")
    discount_minor = serializers.IntegerField()


class CouponRedemptionOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    state = serializers.CharField()
    customer = serializers.UUIDField(source="customer.public_id", allow_null=True, default=None)
    order = serializers.CharField(source="order_reference")
    goods_minor = serializers.IntegerField()
    shipping_minor = serializers.IntegerField()
    discount_minor = serializers.IntegerField()
    lines = serializers.JSONField()
    codes = CouponUseOutput(source="uses", many=True)
    reserved_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    redeemed_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class CouponConflictOutput(serializers.Serializer[object]):
    code = serializers.CharField(source="clash")
    field = serializers.CharField(source="column")
    other = serializers.CharField(source="other_key")


class CouponConflictsOutput(serializers.Serializer[object]):
    conflicts = CouponConflictOutput(many=True)


class CouponCodeOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    definition = serializers.CharField(source="definition.key")
    name = serializers.CharField(source="definition.name")
    state = serializers.CharField()
    uses = serializers.IntegerField()
    uses_limit = serializers.IntegerField(allow_null=True)
    balance_minor = serializers.IntegerField(allow_null=True)
    issued_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class CustomerCouponOutput(CouponCodeOutput):
    """A code of the customer's own; one that is paused stays theirs and works again after the release."""

    is_paused = serializers.SerializerMethodField()

    def get_is_paused(self, code: Any) -> bool:
        return coupon_definitions.is_paused(code.definition, timezone.now())
