"""Who sends a wrong id is told which list tells the right ones, wherever an id is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django_filters
import pytest
from django.urls import get_resolver
from rest_framework import serializers

from tenants.api.filters import PublicIdFilter, StrictFilterSet
from tenants.api.serializers import PublicIdField, StrictSerializer
from tests.conftest import ApiClient


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    get_resolver().url_patterns  # noqa: B018 - imports every view and with them the serializers
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def inner(field: serializers.Field[Any, Any, Any, Any]) -> serializers.Field[Any, Any, Any, Any]:
    child = getattr(field, "child", None)
    return inner(child) if child is not None else field


def test_every_id_in_a_body_names_its_list() -> None:
    fields = [
        (each.__name__, name, inner(field))
        for each in subclasses(StrictSerializer)
        for name, field in each().fields.items()
    ]
    ids = [field for _, _, field in fields if isinstance(field, PublicIdField)]
    assert {field.of for field in ids} >= {"customers", "rewards"}
    assert [
        f"{owner}.{name}"
        for owner, name, field in fields
        if isinstance(field, serializers.UUIDField) and field not in ids
    ] == []


def test_every_id_that_filters_a_list_names_its_list() -> None:
    filters = [
        (each.__name__, name, filter_)
        for each in subclasses(StrictFilterSet)
        for name, filter_ in each.base_filters.items()
    ]
    assert sum(isinstance(filter_, PublicIdFilter) for _, _, filter_ in filters) > 0
    assert [
        f"{owner}.{name}"
        for owner, name, filter_ in filters
        if isinstance(filter_, django_filters.UUIDFilter) and not isinstance(filter_, PublicIdFilter)
    ] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "This is no id. Send the `id` of one of those that GET /api/v1/{of} lists."),
        ("zh-hans", "这不是有效的 id。请发送 GET /api/v1/{of} 所列对象的 `id`。"),
    ],
)
def test_a_wrong_id_is_answered_with_the_list_that_tells_it(api: ApiClient, language: str, said: str) -> None:
    body = {"customer": "C1", "reward": "mug"}
    answer = api.post("/redemptions", body, Idempotency_Key="k", Accept_Language=language)
    found = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert found == {"/customer": said.format(of="customers"), "/reward": said.format(of="rewards")}
    listed = api.get("/redemptions?customer=C1", Accept_Language=language)
    assert [error["detail"] for error in listed.json()["errors"]] == [said.format(of="customers")]
