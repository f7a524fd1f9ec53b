"""Slugs: their spelling, what the platform keeps, what a name suggests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.domain import slugs
from tenants.models import Tenant
from tenants.queries.slugs import free_slug, is_taken


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Shop", "acme-shop"),
        ("  Café & Söhne!! ", "cafe-sohne"),
        ("Straße 7", "strasse-7"),
        ("上海商店", ""),
        ("上海 Shop 二", "shop"),
        ("Admin", "admin-1"),
        ("a" * 80, "a" * 60),
        ("../../etc/passwd", "etc-passwd"),
        ("", ""),
    ],
)
def test_a_name_suggests_a_slug(name: str, slug: str) -> None:
    assert slugs.suggested(name) == slug


@given(st.text(max_size=300))
def test_whatever_is_suggested_can_be_taken_with_its_variants(name: str) -> None:
    slug = slugs.suggested(name)
    for each in slugs.variants(slug, 20) if slug else []:
        assert slugs.is_spelled_well(each)
        assert each not in slugs.RESERVED


@pytest.mark.parametrize(
    "slug", ["", "-", "a-", "-a", "a--b", "A", "é", "a b", "a_b", "a/b", "a\n", "a" * 64, "٣", "a.b"]
)
def test_other_spellings_are_refused(slug: str) -> None:
    assert not slugs.is_spelled_well(slug)


def test_a_slug_that_others_have_is_numbered(tenant: Tenant, other_tenant: Tenant) -> None:
    assert (free_slug("ACME"), free_slug("Novum"), free_slug("商店")) == ("acme-2", "novum", "")
    other_tenant.slug = "acme-2"
    other_tenant.save()
    assert free_slug("ACME") == "acme-3"
    assert [is_taken(slug) for slug in ("acme", "acme-2", "acme-3")] == [True, True, False]
