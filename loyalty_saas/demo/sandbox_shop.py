"""Sandbox Shop: a young shop with a known truth, written as the files its owner would upload."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_saas.demo.journey_grocer import load_file, pipeline_after
from loyalty_saas.demo.sandbox_truth import Purchase, Shop, draw_shop, truth_of
from loyalty_saas.demo.stages import Stage

_ZONE = ZoneInfo("Europe/Berlin")
_MAPPING = "generic"
_TRUTH = "sandbox-truth.json"


def stages(inbox: Path) -> list[Stage]:
    """The same pipeline as any tenant's, on the drawn files."""
    if not (inbox / _TRUTH).exists():
        write_files(draw_shop(closed_on=datetime.now(UTC).date()), inbox)
    return [
        load_file("items", "Import items", inbox / "sandbox-items.csv"),
        load_file("customers", "Import customers", inbox / "sandbox-customers.csv"),
        Stage(
            "orders",
            "Import orders",
            "crm.import_orders",
            {"path": str(inbox / "sandbox-orders.csv"), "mapping": _MAPPING},
            ("items", "customers"),
        ),
        _record("events", "Record events", inbox, after="orders"),
        *pipeline_after("events"),
        # As in a shop that is already running: the points of the orders are taken back as goods come in.
        _record("returns", "Record returns", inbox, after="points"),
    ]


def known_truth(inbox: Path) -> dict[str, Any]:
    """The parameters and clusters the models should recover."""
    truth: dict[str, Any] = json.loads((inbox / _TRUTH).read_text(encoding="utf-8"))
    return truth


def write_files(shop: Shop, inbox: Path) -> None:
    """Write what the imports read; the truth comes last and marks the set as whole."""
    _write_table(inbox / "sandbox-items.csv", _item_rows(shop))
    _write_table(inbox / "sandbox-customers.csv", _customer_rows(shop))
    _write_table(inbox / "sandbox-orders.csv", _line_rows(shop))
    _write_lines(inbox / "sandbox-returns.jsonl", _returns(shop))
    _write_lines(inbox / "sandbox-events.jsonl", _events(shop))
    _write_table(inbox / "sandbox-truth.csv", _truth_rows(shop))
    (inbox / _TRUTH).write_text(json.dumps(truth_of(shop), indent=2), encoding="utf-8")


def _record(kind: str, label: str, inbox: Path, after: str) -> Stage:
    params = {"path": str(inbox / f"sandbox-{kind}.jsonl")}
    return Stage(kind, label, f"demo.record_{kind}", params, (after,))


def _write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in records)


def _item_rows(shop: Shop) -> Iterator[dict[str, Any]]:
    for item in shop.items:
        yield {
            "sku": item.sku,
            "name": item.name,
            "category": item.category,
            "brand": "Sandbox",
            "price": _major(item.price_minor),
        }


def _customer_rows(shop: Shop) -> Iterator[dict[str, Any]]:
    for shopper in shop.shoppers:
        yield {
            "customer_id": shopper.customer_id,
            "email": shopper.email,
            "given_name": shopper.given_name,
            "family_name": shopper.family_name,
            "country": "DE",
        }


def _line_rows(shop: Shop) -> Iterator[dict[str, Any]]:
    for purchase in shop.purchases:
        for line in purchase.lines:
            yield {
                "order_id": purchase.order_id,
                "customer_id": purchase.shopper.customer_id if purchase.shopper else "",
                "sku": line.item.sku,
                "name": line.item.name,
                "quantity": line.quantity,
                "unit_price": _major(line.item.price_minor),
                "placed_at": purchase.placed_at.isoformat(sep=" ", timespec="seconds"),
                "channel": "online",
            }


def _returns(shop: Shop) -> Iterator[dict[str, Any]]:
    for purchase in shop.purchases:
        if purchase.returned_line is None or purchase.returned_at is None:
            continue
        line = purchase.lines[purchase.returned_line]
        yield {
            "external_id": f"R-{purchase.order_id}",
            "order": purchase.order_id,
            "returned_at": _local(purchase.returned_at),
            "sku": line.item.sku,
            "quantity": line.quantity,
        }


def _events(shop: Shop) -> Iterator[dict[str, Any]]:
    """A sign-up per customer, and before every purchase a visit; guests' visits are anonymous."""
    for shopper in shop.shoppers:
        yield {
            "message_id": f"signed-up-{shopper.customer_id}",
            "external_id": shopper.customer_id,
            "name": "signed_up",
            "occurred_at": _local(shopper.signed_up_at),
            "properties": {"channel": shopper.channel},
        }
    for purchase in shop.purchases:
        yield _visit(purchase)


def _visit(purchase: Purchase) -> dict[str, Any]:
    shopper = purchase.shopper
    who = (
        {"external_id": shopper.customer_id} if shopper else {"anonymous_id": f"visitor-{purchase.order_id}"}
    )
    return {
        "message_id": f"visit-{purchase.order_id}",
        **who,
        "name": "item_viewed",
        "occurred_at": _local(purchase.placed_at - timedelta(minutes=4)),
        "properties": {"sku": purchase.lines[0].item.sku},
    }


def _truth_rows(shop: Shop) -> Iterator[dict[str, Any]]:
    for shopper in shop.shoppers:
        yield {
            "customer_id": shopper.customer_id,
            "taste": shopper.taste,
            "purchases_per_day": f"{shopper.rate:.6f}",
            "dropout_probability": f"{shopper.dropout:.6f}",
            "is_alive_at_end": shopper.is_alive_at_end,
        }


def _local(moment: datetime) -> str:
    return moment.replace(tzinfo=_ZONE).isoformat(timespec="seconds")


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
