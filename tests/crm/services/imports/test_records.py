from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm.models import AttributeDefinition, Customer, Identity, Item, Person, QuarantinedRow
from crm.services.imports.customers import import_customers
from crm.services.imports.items import import_items
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def csv(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "records.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def test_items_are_added_patched_and_merged(tmp_path: Path, crowd: Tenant, scope: Tenant) -> None:
    factories.item("a", name="Apple", category="Fruit", brand="Orchard")
    run = import_items(
        path=csv(
            tmp_path,
            "sku;name;category;price",
            "a;;Food;1.25",
            "b;Bread;Bakery;2",
            "b;Brown bread;Bakery;2",
            ";Nothing;;1",
            "c;Cake;;dear",
        ),
        mapping="generic",
        by=SYSTEM,
        at=NOW,
    )
    assert (run.rows_read, run.rows_accepted, run.rows_merged, run.rows_quarantined) == (5, 2, 1, 2)
    apple, bread = Item.objects.get(external_id="a"), Item.objects.get(external_id="b")
    assert (apple.name, apple.category, apple.brand, apple.price_minor) == ("Apple", "Food", "Orchard", 125)
    assert (bread.name, bread.price_minor) == ("Brown bread", 200)
    assert dict(QuarantinedRow.objects.values_list("row_number", "reason")) == {
        4: "id_missing",
        5: "price_invalid",
    }


def test_items_again_are_all_merged(tmp_path: Path, scope: Tenant) -> None:
    path = csv(tmp_path, "sku,name,category,price", "a,Apple,Fruit,1.25", "b,Bread,Bakery,2")
    import_items(path=path, mapping="generic", by=SYSTEM, at=NOW)
    run = import_items(path=path, mapping="generic", by=SYSTEM, at=NOW)
    assert (run.rows_accepted, run.rows_merged) == (0, 2)


def test_complete_journey_items(tmp_path: Path, scope: Tenant) -> None:
    path = tmp_path / "products.parquet"
    columns = {
        "product_id": [25671, 26081],
        "manufacturer_id": [2, 69],
        "department": ["GROCERY", "MISCELLANEOUS"],
        "brand": ["National", "Private"],
        "product_category": ["FRZN ICE", None],
        "product_type": ["ICE - CRUSHED/CUBED", None],
        "package_size": ["22 LB", None],
    }
    pq.write_table(pa.table(columns), path)
    run = import_items(path=path, mapping="complete_journey", by=SYSTEM, at=NOW)
    assert run.rows_accepted == 2
    ice, bare = Item.objects.order_by("external_id")
    assert (ice.name, ice.category, ice.subcategory) == ("ICE - CRUSHED/CUBED", "GROCERY", "FRZN ICE")
    assert ice.attributes == {"manufacturer": "2", "package_size": "22 LB"}
    assert (bare.name, bare.subcategory) == ("MISCELLANEOUS", "")


def test_customers_are_patched_and_blank_means_keep(tmp_path: Path, crowd: Tenant, scope: Tenant) -> None:
    factories.customer("c1", person={"email": "ann@example.com", "city": "Leeds"})
    factories.customer("c9", person={"email": "taken@example.com"})
    run = import_customers(
        path=csv(
            tmp_path,
            "customer_id,email,given_name,city,birth_on",
            "c1,,Ann,,1990-02-03",
            "c2,Taken@Example.com,Bob,York,",
            "c3,not an address,,,",
            "c4,,,,31.12.1990",
            "c1,,Ann,,1990-02-03",
        ),
        mapping="generic",
        by=SYSTEM,
        at=NOW,
    )
    assert (run.rows_read, run.rows_accepted, run.rows_merged, run.rows_quarantined) == (5, 2, 1, 2)
    ann = Person.objects.get(customer__external_id="c1")
    assert (ann.given_name, ann.email, ann.city, str(ann.birth_on)) == (
        "Ann", "ann@example.com", "Leeds", "1990-02-03",
    )  # fmt: skip
    assert run.report["identities_taken"] == 1
    assert Identity.objects.get(kind="email", value="taken@example.com").customer.external_id == "c9"
    assert dict(QuarantinedRow.objects.values_list("row_number", "reason")) == {
        3: "email_invalid",
        4: "birth_on_invalid",
    }


def test_demographics_become_declared_attributes(tmp_path: Path, scope: Tenant) -> None:
    path = tmp_path / "demographics.parquet"
    names = [
        "age",
        "income",
        "home_ownership",
        "marital_status",
        "household_size",
        "household_comp",
        "kids_count",
    ]
    columns = {"household_id": [1, 1001]} | {name: ["x", None] for name in names}
    pq.write_table(pa.table(columns), path)
    run = import_customers(path=path, mapping="complete_journey", by=SYSTEM, at=NOW)
    assert (run.rows_accepted, Customer.objects.count()) == (2, 2)
    assert Customer.objects.get(external_id="1").attributes == dict.fromkeys(names, "x")
    assert Customer.objects.get(external_id="1001").attributes == {}
    assert set(AttributeDefinition.objects.values_list("key", flat=True)) == set(names)
