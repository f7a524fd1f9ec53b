"""What the OpenAPI document says of every operation."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.architecture.routes import api_routes

OPERATIONS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, Any]:
    return {
        each["operationId"]: each
        for path in document["paths"].values()
        for method, each in path.items()
        if method in OPERATIONS
    }


def test_every_failure_is_a_problem(operations: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOutput"}}}
    assert len(operations) == len([route for route in api_routes() if route.method in OPERATIONS])
    assert [
        name for name, each in operations.items() if each["responses"]["default"]["content"] != problem
    ] == []


def test_writes_once_per_key_say_that_they_want_one(operations: dict[str, Any]) -> None:
    wanting = [
        name
        for name, each in operations.items()
        if "Idempotency-Key" in [p["name"] for p in each.get("parameters", ()) if p.get("required")]
    ]
    views = [getattr(*route.view) for route in api_routes()]
    assert len(wanting) == sum(getattr(view, "is_idempotent", False) for view in views)
    assert {"customers_points_spend_create", "redemptions_create"} <= set(wanting)


def test_a_list_below_another_object_is_pages(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Entry", "Lot", "ExpiringLot", "CustomerCoupon", "ConsentChange", "Why", "Revision"):
        assert schemas[f"Paginated{name}OutputList"]["required"] == ["data", "has_more", "next", "previous"]


def test_any_json_may_be_null(document: dict[str, Any]) -> None:
    rule = document["components"]["schemas"]["CouponDefinitionOutput"]["properties"]["rule"]
    assert rule == {}
