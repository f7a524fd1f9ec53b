"""Guessed codes: who is counted, what a review keeps of them, and a store that is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rewards.models import AbuseReview
from rewards.services import guesses
from rewards.services.coupons import carts
from rewards.services.guesses import MOST, Guesser, GuesserKind, TooManyGuesses, guessers_of
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.attempt_counts import AttemptCounts
from tests.conftest import NOW
from tests.rewards.coupons import make_definition, request
from tests.rewards.factories import make_customer

pytestmark = pytest.mark.django_db
SHOP = Actor(ActorKind.API_KEY, "shop", 7, address="198.51.100.1")
APP = replace(SHOP, is_client_app=True)


@pytest.fixture
def scope(tenant: Tenant) -> Iterator[None]:
    with tenant_scope(tenant):
        yield


def ask(*codes: str, by: Actor = SYSTEM, at: Any = NOW, **options: Any) -> bool:
    """Whether the cart was looked at."""
    try:
        carts.validate(request=request(*codes, **options), by=by, at=at)
    except TooManyGuesses:
        return False
    return True


@pytest.mark.parametrize(
    ("customer_id", "client", "by", "found"),
    [
        (None, "", SHOP, [("api_key", "7")]),
        (None, "Eve ", SHOP, [("client", "eve")]),
        (3, "", SHOP, [("customer", "3")]),
        (3, "203.0.113.7:80", SHOP, [("customer", "3"), ("shared_client", "203.0.113.7")]),
        (None, "forged", APP, [("client", "198.51.100.1")]),
        (3, "forged", APP, [("customer", "3"), ("shared_client", "198.51.100.1")]),
    ],
)
def test_who_is_counted(
    customer_id: int | None, client: str, by: Actor, found: list[tuple[str, str]]
) -> None:
    counted = guessers_of(customer_id=customer_id, client=client, by=by)
    assert [(each.kind.value, each.name) for each in counted] == found


def test_customers_of_one_address_share_a_limit(scope: None, monkeypatch: Any) -> None:
    monkeypatch.setitem(MOST, GuesserKind.SHARED_CLIENT, 25)
    make_definition(code="real", uses_per_code=None)
    wrong = [f"no-{number}" for number in range(8)]
    for _ in range(3):
        # Known codes are given back.
        assert ask(*wrong, "real", customer=make_customer(), client="Farm.example")
    assert not ask("real", "no-1", customer=make_customer(), client="farm.example")
    assert ask("no-1", customer=make_customer(), client="farm.example")
    assert not ask("real", customer=make_customer(), client="farm.example")
    assert ask("real", customer=make_customer(), client="elsewhere")
    assert ask("real", customer=make_customer())
    # The next window.
    assert ask("real", customer=make_customer(), client="farm.example", at=NOW + timedelta(minutes=10))


def test_a_whole_key_has_a_limit_and_a_review_lets_it_go_on(tenant: Tenant, monkeypatch: Any) -> None:
    monkeypatch.setitem(MOST, GuesserKind.API_KEY, 3)
    with tenant_scope(tenant):
        assert ask("no-1", "no-2", "no-3", by=SHOP)
        assert not ask("no-4", by=SHOP)
    with tenant_scope(tenant):
        review = AbuseReview.objects.get()
        assert review.details == {"guesser": "api_key", "name": "7", "codes": ["NO-1", "NO-2", "NO-3"]}
        guesses.forget(review.subject, at=NOW)
        assert ask("no-4", by=SHOP)


def test_a_review_keeps_nothing_of_a_shopper_in_clear(tenant: Tenant, other_tenant: Tenant) -> None:
    told = []
    tried = ["ann@shop.example", "+44 20 7946 0958", "no-1", "no-2", "no-3"]
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            for _ in range(2):
                ask(*tried, client="Ann@Shop.example")
        with tenant_scope(each):
            review = AbuseReview.objects.get()
            assert review.subject == Guesser(GuesserKind.CLIENT, "ann@shop.example").subject
            assert review.details["codes"] == ["•••", "•••", "NO-1", "NO-2", "NO-3"]
            assert "ann" not in f"{review.subject} {review.details}".lower()
            told.append((review.subject, review.details["name"]))
    (subject, name), (other_subject, other_name) = told
    # Nobody sees that two tenants have the same guesser.
    assert (subject != other_subject, name != other_name) == (True, True)
    assert (len(name), subject[7:11], subject[11:15]) == (9, name[:4], name[5:])


def test_a_refusal_names_the_shopper_as_the_review_does(scope: None) -> None:
    for number in range(10):
        assert ask(f"no-{number}", client="eve")
    with pytest.raises(TooManyGuesses) as caught:
        carts.validate(request=request("no-11", client="eve"), by=SYSTEM, at=NOW)
    label = Guesser(GuesserKind.CLIENT, "eve").label
    assert caught.value.extra == {"wait_minutes": 10, "shopper": label}


def test_a_store_that_is_away_stops_no_shop(scope: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(guesses, "_counts", AttemptCounts("redis://127.0.0.1:1/0"))
    make_definition(code="real", uses_per_code=None)
    assert ask("real", client="eve")
    for number in range(10):
        assert ask(f"no-{number}", client="eve")
    assert not ask("real", client="eve")
    assert ask("real", client="adam")
    subject = Guesser(GuesserKind.CLIENT, "eve").subject
    guesses.forget(subject, at=NOW)
    assert ask("real", client="eve")
