"""The database refuses what the services never write."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from crm.models import (
    ComputedTrait,
    Customer,
    Identity,
    ImportRun,
    Item,
    Order,
    OrderLine,
    ReturnLine,
    Segment,
    SegmentMember,
)
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def refused(constraint: str, write: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        write()


def line(order: Order, **changes: Any) -> OrderLine:
    amounts = {"unit_price_minor": 5, "gross_minor": 5, "total_minor": 5}
    return OrderLine(**({"order": order, "position": 9, "sku": "a", "quantity": 1} | amounts | changes))


def test_amounts_add_up(scope: Tenant) -> None:
    order = factories.order("o1", None)
    refused("crm_order_line_total_adds_up", line(order, total_minor=4).save)
    refused("crm_order_line_product_positive", line(order, quantity=0).save)
    refused("crm_order_line_product_positive", line(order, gross_minor=-5, total_minor=-5).save)
    refused("crm_order_line_position", line(order, position=1).save)
    line(order, kind="charge", gross_minor=-5, total_minor=-5).save()
    refused("crm_order_total_adds_up", lambda: Order.objects.update(total_minor=1))
    refused(
        "crm_order_discounts_not_negative",
        lambda: Order.objects.update(store_discount_minor=-1, total_minor=1001),
    )


def test_uniqueness_holds_within_a_tenant(crowd: Tenant, scope: Tenant) -> None:
    customer = factories.customer("c1", identities=(("card", "1"),))
    stamps = {"created_at": NOW, "updated_at": NOW}
    refused("crm_customer_external_id", Customer(external_id="c1", **stamps).save)
    refused(
        "crm_identity_kind_value", Identity(customer=customer, kind="card", value="1", created_at=NOW).save
    )
    refused(
        "crm_identity_value_not_blank",
        Identity(customer=customer, kind="card", value="", created_at=NOW).save,
    )
    factories.segment("list")
    refused("crm_segment_key", Segment(key="list", name="x", kind="static", **stamps).save)
    refused("crm_segment_rule_only_for_rules", Segment(key="r", name="x", kind="rule", **stamps).save)


def test_states_and_values(scope: Tenant) -> None:
    customer = factories.customer("c1")
    refused("crm_customer_merged_has_target", lambda: Customer.objects.update(state="merged"))
    trait = {"customer": customer, "name": "t", "computed_at": NOW}
    refused("crm_computed_trait_one_value", ComputedTrait(**trait).save)
    refused("crm_computed_trait_one_value", ComputedTrait(**trait, number=1, text="x").save)
    run = ImportRun(kind="orders", mapping="m", file_name="f", state="done", rows_read=1, started_at=NOW)
    refused("crm_import_accounts_for_rows", run.save)
    order = factories.order("o1", customer)
    back = factories.returned("r1", order, {1: 1})
    refused("crm_return_line_positive", lambda: ReturnLine.objects.filter(parent=back).update(quantity=0))


def test_nothing_refers_to_another_tenant(crowd: Tenant, scope: Tenant, tenant: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")
    with_foreign: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL app.tenant_id = '{crowd.pk}'")
        cursor.execute("SELECT min(id) FROM crm_customer")
        with_foreign["customer_id"] = cursor.fetchone()[0]
        cursor.execute("SELECT min(id) FROM crm_item")
        with_foreign["item_id"] = cursor.fetchone()[0]
        cursor.execute(f"SET LOCAL app.tenant_id = '{tenant.pk}'")
    own = factories.segment("list")
    refused(
        "crm_segmentmember_customer_id_fk",
        SegmentMember(segment=own, customer_id=with_foreign["customer_id"], joined_at=NOW).save,
    )
    order = factories.order("o1", None)
    refused("names an item that does not exist", line(order, item_id=with_foreign["item_id"]).save)
    refused("names an item that does not exist", line(order, item_id=2**40).save)
    refused(
        "names an item that does not exist",
        lambda: OrderLine.objects.filter(order=order).update(item_id=with_foreign["item_id"]),
    )


def test_items_are_neither_deleted_nor_renumbered(scope: Tenant) -> None:
    item = factories.item("a")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Item.objects.filter(pk=item.pk)._raw_delete("default")
    refused(
        "the key of an item never changes", lambda: Item.objects.filter(pk=item.pk).update(id=item.pk + 1)
    )


def test_the_other_tenant_is_untouched(crowd: Tenant, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        assert Customer.objects.count() == 0
        Customer.objects.update(may_profile=False)
    with tenant_scope(crowd):
        assert Customer.objects.filter(may_profile=True).count() == 3
