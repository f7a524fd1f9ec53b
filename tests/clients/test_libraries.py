"""Unmodified client libraries deliver to us by changing their host: every event arrives once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.models import Event, Identity
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)
SKUS = [f"S{number}" for number in range(25)]
VIEWS = Counter(("product_viewed", sku) for sku in SKUS)
ALL = VIEWS + Counter({("identified", None): 1, ("page_viewed", None): 1, ("group_joined", None): 1})
Arrived = Callable[[], Counter[tuple[str, str | None]]]


def tell(client: Any) -> None:
    client.identify("py-user", {"email": "Py@Example.com", "plan": "pro"})
    for sku in SKUS:
        client.track("py-user", "Product Viewed", {"sku": sku}, timestamp=datetime.now(tz=UTC))
    client.page(anonymous_id="anon-1", name="Home", properties={"url": "https://shop.example/"})
    client.group("py-user", "g1", {"name": "Initech"})
    client.flush()
    client.join()


@pytest.mark.parametrize("gzip", [False, True])
def test_segment_python(live_server: Any, write_key: str, arrived: Arrived, gzip: bool) -> None:
    from segment.analytics.client import Client

    tell(Client(write_key, host=live_server.url, gzip=gzip, max_retries=0))
    assert arrived() == ALL


def test_rudderstack_python(live_server: Any, write_key: str, arrived: Arrived) -> None:
    from rudderstack.analytics.client import Client

    tell(Client(write_key, host=live_server.url, max_retries=0))
    assert arrived() == ALL


def test_posthog_python(live_server: Any, write_key: str, tenant: Tenant, arrived: Arrived) -> None:
    from posthog import Posthog

    client = Posthog(write_key, host=live_server.url, max_retries=0, disable_geoip=False)
    client.set(distinct_id="py-user", properties={"email": "Py@Example.com", "plan": "pro"})
    for sku in SKUS:
        client.capture("Product Viewed", distinct_id="py-user", properties={"sku": sku})
    client.capture("$pageview", properties={"$current_url": "https://shop.example/"})
    client.group_identify("company", "g1", {"name": "Initech"}, distinct_id="py-user")
    client.shutdown()
    assert arrived() == ALL
    with tenant_scope(tenant):
        # Without a distinct id the library makes one up for the page view: somebody unknown.
        assert Identity.objects.get(kind="anonymous_id").customer.events.get().name == "page_viewed"


@pytest.mark.parametrize("library", ["segment", "rudder", "posthog"])
def test_node(
    library: str, live_server: Any, write_key: str, run_node: Any, tenant: Tenant, arrived: Arrived
) -> None:
    run_node(library, live_server.url, write_key)
    assert arrived() == ALL
    with tenant_scope(tenant):
        assert Event.objects.filter(customer__identities__value="node-user").count() >= len(SKUS) + 1


def test_a_delivery_that_comes_twice_is_stored_once(
    live_server: Any, write_key: str, arrived: Arrived
) -> None:
    from segment.analytics.request import post

    batch = [
        {"type": "track", "messageId": f"m{sku}", "userId": "u", "event": "Product Viewed",
         "properties": {"sku": sku}, "timestamp": datetime.now(tz=UTC)}
        for sku in SKUS
    ]  # fmt: skip
    for _attempt in range(2):
        post(write_key, live_server.url, batch=batch)
    # A clock that is a day wrong: each attempt corrects by another span.
    for late in (0, 3):
        sent_at = f"2020-01-01T00:00:0{late}+00:00"
        old = [
            {**each, "messageId": f"old-{each['messageId']}", "timestamp": "2020-01-01T00:00:00Z"}
            for each in batch
        ]
        post(write_key, live_server.url, batch=old, sentAt=sent_at)
    assert arrived() == VIEWS + VIEWS
