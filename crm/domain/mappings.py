"""How the columns of a file become orders: of known files, and of those a plan describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm.domain.cells import CellRule


@dataclass(frozen=True, slots=True)
class OutlierRule:
    """More than ``deviations`` from the usual and, for quantities, ``minimum_quantity`` or more: absurd.

    Distance is measured on logarithms, per item, in robust deviations: 1.4826 times the median absolute
    deviation estimates a standard deviation (Rousseeuw and Croux 1993), not less than ``least_spread``,
    because an item that always sold for one price has none.
    """

    deviations: float = 6.0
    least_spread: float = 0.5
    least_lines: int = 10
    minimum_quantity: int = 1000


@dataclass(frozen=True, slots=True)
class OrderMapping:
    """Order lines. An amount sums the columns it names; no ``gross`` means quantity x ``unit_price``."""

    name: str
    order: str
    sku: str
    quantity: str
    placed_at: str
    customer: str
    unit_price: str | None = None
    gross: tuple[str, ...] = ()
    store_discount: tuple[str, ...] = ()
    coupon_discount: tuple[str, ...] = ()
    label: str | None = None
    channel: str | None = None
    optional: frozenset[str] = frozenset()
    time_zone: str | None = None
    currency: str | None = None
    cancellation_prefix: str = ""
    order_pattern: str = ""
    charge_codes: frozenset[str] = frozenset()
    folds_sku_case: bool = False
    allows_free_lines: bool = True
    outliers: OutlierRule | None = None
    flags_outliers: bool = False
    # By source column, where a plan says how cells are written and what stands in for blank ones.
    rules: Mapping[str, CellRule] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns that are read, in a stable order, each once."""
        named = (self.order, self.customer, self.sku, self.quantity, self.placed_at)
        maybe = tuple(name for name in (self.unit_price, self.label, self.channel) if name)
        return tuple(
            dict.fromkeys((*named, *maybe, *self.gross, *self.store_discount, *self.coupon_discount))
        )


# The data's own guide: sales_value is what the retailer receives, so the shelf price adds the store's
# discount and its match of a manufacturer's coupon; the shopper pays sales_value less that coupon.
# Hence shelf price - store discount - (coupon + match) = sales_value - coupon_disc, what the shopper pays.
_COMPLETE_JOURNEY = OrderMapping(
    name="complete_journey",
    order="basket_id",
    customer="household_id",
    sku="product_id",
    quantity="quantity",
    placed_at="transaction_timestamp",
    channel="store_id",
    gross=("sales_value", "retail_disc", "coupon_match_disc"),
    store_discount=("retail_disc",),
    coupon_discount=("coupon_disc", "coupon_match_disc"),
    currency="USD",
)
_UCI_ONLINE_RETAIL = OrderMapping(
    name="uci_online_retail",
    order="InvoiceNo",
    customer="CustomerID",
    sku="StockCode",
    label="Description",
    quantity="Quantity",
    unit_price="UnitPrice",
    placed_at="InvoiceDate",
    channel="Country",
    time_zone="Europe/London",
    currency="GBP",
    cancellation_prefix="C",
    order_pattern="^C?[0-9]+$",
    charge_codes=frozenset(
        {"AMAZONFEE", "B", "BANK CHARGES", "C2", "CRUK", "D", "DOT", "M", "PADS", "POST", "S"}
    ),
    folds_sku_case=True,
    allows_free_lines=False,
    outliers=OutlierRule(),
)
_GENERIC = OrderMapping(
    name="generic",
    order="order_id",
    customer="customer_id",
    sku="sku",
    label="name",
    quantity="quantity",
    unit_price="unit_price",
    placed_at="placed_at",
    channel="channel",
    store_discount=("discount",),
    coupon_discount=("coupon_discount",),
    optional=frozenset({"customer_id", "name", "channel", "discount", "coupon_discount"}),
)
ORDER_MAPPINGS = {mapping.name: mapping for mapping in (_COMPLETE_JOURNEY, _UCI_ONLINE_RETAIL, _GENERIC)}
