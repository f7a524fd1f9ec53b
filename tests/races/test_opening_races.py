"""Tenants opened by several people, or by one person several times, at once."""

from __future__ import annotations

from collections import Counter

import pytest
from django.core import mail

from tenants.domain.actors import SYSTEM
from tenants.errors import DomainError
from tenants.models import Membership, SignUp, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import sign_ups, tenants
from tenants.services.attempt_counts import AttemptCounts
from tenants.services.tenants import Particulars
from tests.conftest import NOW
from tests.races.test_ledger_races import THREADS, together

pytestmark = pytest.mark.django_db(transaction=True)
NOVUM = Particulars(slug="novum", name="Novum")
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _fresh_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ups, "_counts", AttemptCounts("memory://"))


def operators(count: int) -> list[User]:
    return [User.objects.create_user(email=f"p{n}@example.com", is_operator=True) for n in range(count)]


def test_a_slug_wanted_by_several_is_given_once(other_tenant: Tenant) -> None:
    people = operators(THREADS)

    def work(number: int) -> str:
        try:
            tenants.open_another(owner=people[number], particulars=NOVUM, by=SYSTEM, at=NOW)
        except DomainError as refusal:
            return refusal.code
        return "opened"

    assert Counter(together(work)) == {"opened": 1, "slug_taken": THREADS - 1}
    with tenant_scope(Tenant.objects.get(slug="novum")):
        assert Membership.objects.count() == 1


def test_a_form_sent_several_times_at_once_opens_one_tenant(other_tenant: Tenant) -> None:
    (person,) = operators(1)

    def work(_number: int) -> int:
        return tenants.open_another(owner=person, particulars=NOVUM, by=SYSTEM, at=NOW).pk

    novum = Tenant.objects.filter(slug="novum")
    assert set(together(work)) == set(novum.values_list("pk", flat=True))
    with tenant_scope(novum.get()):
        assert Membership.objects.count() == 1


def asked(email: str, slug: str) -> str:
    tokens: list[str] = []
    sign_ups.request(
        email=email, password=PASSWORD, particulars=Particulars(slug=slug, name=slug), client="192.0.2.1",
        sign_in="", link=lambda token: tokens.append(token) or token, at=NOW,
    )  # fmt: skip
    assert mail.outbox[-1].to == [email]
    return tokens[0]


def answers(tokens: list[str], slugs: list[str]) -> list[object]:
    def work(number: int) -> object:
        try:
            opened = sign_ups.confirm(
                token=tokens[number], password=PASSWORD, slug=slugs[number], client="", request_id="", at=NOW
            )
        except DomainError as refusal:
            return refusal.code
        return opened.owner.email, opened.tenant.slug

    return together(work)


def test_one_link_confirmed_at_once_opens_one_tenant(other_tenant: Tenant) -> None:
    token = asked("mei@example.com", "novum")
    found = answers([token] * THREADS, ["novum"] * THREADS)
    assert found == [("mei@example.com", "novum")] * THREADS
    assert (User.objects.count(), Tenant.objects.count(), SignUp.objects.count()) == (1, 2, 1)


def test_links_of_one_address_confirmed_at_once_open_one_tenant(other_tenant: Tenant) -> None:
    slugs = [f"novum-{number}" for number in range(sign_ups.MOST_MAILS)]
    tokens = [asked("mei@example.com", slug) for slug in slugs]
    spread = [number % len(slugs) for number in range(THREADS)]
    found = answers([tokens[n] for n in spread], [slugs[n] for n in spread])
    opened = {each for each in found if isinstance(each, tuple)}
    assert len(opened) == 1
    assert {each for each in found if isinstance(each, str)} == {"account_exists"}
    assert (User.objects.count(), Tenant.objects.count()) == (1, 2)


def test_one_slug_confirmed_by_several_people_is_given_once(other_tenant: Tenant) -> None:
    tokens = [asked(f"p{number}@example.com", "novum") for number in range(THREADS)]
    found = answers(tokens, ["novum"] * THREADS)
    assert Counter(isinstance(each, tuple) for each in found) == {True: 1, False: THREADS - 1}
    assert {each for each in found if isinstance(each, str)} == {"slug_taken"}
    assert (User.objects.count(), Tenant.objects.count()) == (1, 2)
