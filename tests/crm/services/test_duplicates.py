from __future__ import annotations

from typing import Any

import pytest

from crm.models import CandidateState, Customer, DuplicateCandidate, MatchKey
from crm.receivers import settle_merged_pair, settle_unmerged_pair
from crm.services import duplicates, merges
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import PermissionRefused
from tenants.models import OutboxMessage, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def person(name: str, given: str = "", family: str = "", **fields: Any) -> Customer:
    return factories.customer(name, person={"given_name": given, "family_name": family, **fields})


def found() -> dict[tuple[str, str], tuple[float, tuple[str, ...]]]:
    rows = DuplicateCandidate.objects.filter(state="open").select_related("first", "second")
    return {
        (str(each.first.external_id), str(each.second.external_id)): (each.score, tuple(each.reasons))
        for each in rows
    }


def test_each_proof_and_what_speaks_against_it(crowd: Tenant, scope: Tenant) -> None:
    person("a1", "Ann", "Lee", email="ann.lee@gmail.com")
    person("a2", "Ann", "Lee", email="annlee+shop@googlemail.com")
    person("h1", "Bob", "Stone", phone="+44 20 7946 0000")
    person("h2", "Zoe", "Quill", phone="020 7946 0000")
    person("n1", "Marguerite", "Duras", birth_on="1970-04-04")
    person("n2", "Duras", "Margerite", birth_on="1970-04-04")
    person("p1", "Catherine", "Miller", postcode="LS1 4AP", email="cat@example.com")
    person("p2", "Catherine", "Miller", postcode="ls14ap", email="catherine@example.org")
    person("x1", "Ann", "Lee", birth_on="1980-01-01")
    person("x2", "Otto", "Wagner", birth_on="1980-01-01")
    assert duplicates.find(at=NOW) == duplicates.Found(candidates=3, large_blocks=0)
    pairs = found()
    assert pairs[("a1", "a2")] == (0.95, ("email",))
    assert pairs[("p1", "p2")] == (0.7, ("postcode",))
    score, reasons = pairs[("n1", "n2")]
    assert reasons == ("birth",)
    assert 0.75 < score < 0.9
    # A household's number and a shared birthday do not make one person of two.
    assert set(pairs) == {("a1", "a2"), ("p1", "p2"), ("n1", "n2")}


def test_proofs_add_up_and_other_birthdays_halve(scope: Tenant) -> None:
    same = {"phone": "+442079460000", "postcode": "LS1 4AP"}
    person("a", "Ann", "Lee", **same)
    # The same number cannot be the identity of two customers, but files say it all the time.
    other = person("b", "Ann", "Lee", postcode="LS1 4AP")
    other.persons.update(phone="020 7946 0000")
    duplicates.find(at=NOW)
    assert found()[("a", "b")] == (0.955, ("phone", "postcode"))
    Customer.objects.get(external_id="a").persons.update(birth_on="1970-01-01")
    other.persons.update(birth_on="1990-01-01")
    duplicates.find(at=NOW)
    assert found() == {}


def test_touched_customers_are_compared_with_everybody(crowd: Tenant, scope: Tenant) -> None:
    first = person("a1", "Ann", "Lee", email="ann@example.com")
    person("a2", "Ann", "Lee", email="ann+x@example.com")
    person("b1", "Bob", "Ray", email="bob@example.com")
    person("b2", "Bob", "Ray", email="bob+x@example.com")
    duplicates.find(at=NOW)
    DuplicateCandidate.objects.all().delete()
    duplicates.find(customer_ids=[first.pk], at=NOW)
    assert set(found()) == {("a1", "a2")}
    # What no longer holds goes, of the touched alone.
    duplicates.find(at=NOW)
    first.persons.update(email="other@example.com")
    first.identities.filter(kind="email").delete()
    duplicates.find(customer_ids=[first.pk], at=NOW)
    assert set(found()) == {("b1", "b2")}
    topics = set(OutboxMessage.objects.values_list("topic", flat=True))
    assert "crm.customers_changed" in topics


def test_a_key_that_too_many_share_says_nothing(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "LARGEST_BLOCK", 2)
    for number in range(3):
        person(f"c{number}", "Ann", f"Lee{number}", email=f"info+{number}@example.com")
    assert duplicates.find(at=NOW) == duplicates.Found(candidates=0, large_blocks=1)


def test_decisions_stay(scope: Tenant, actor: Actor) -> None:
    first = person("a1", "Ann", "Lee", email="ann@example.com")
    second = person("a2", "Ann", "Lee", email="ann+x@example.com")
    duplicates.find(at=NOW)
    pair = DuplicateCandidate.objects.get()
    with pytest.raises(PermissionRefused):
        duplicates.dismiss(candidates=[pair], by=Actor(kind=ActorKind.USER, label="x"), at=NOW)
    assert duplicates.dismiss(candidates=[pair], by=actor, at=NOW) == 1
    assert duplicates.find(at=NOW).candidates == 0
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == (CandidateState.DISMISSED, "owner@example.com")
    duplicates.reopen(candidate=pair, by=actor, at=NOW)
    merge = merges.merge(survivor=first, absorbed=second, by=SYSTEM, at=NOW)
    payload = OutboxMessage.objects.get(topic="crm.customers_merged").payload
    settle_merged_pair(payload=payload, at=NOW)
    pair.refresh_from_db()
    assert pair.state == CandidateState.MERGED
    assert not MatchKey.objects.filter(customer=second).exists()
    merges.unmerge(merge=merge, by=SYSTEM, at=NOW)
    settle_unmerged_pair(payload=payload, at=NOW)
    pair.refresh_from_db()
    assert (pair.state, pair.score) == (CandidateState.OPEN, 0.95)
