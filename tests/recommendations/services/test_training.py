from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from crm.models import ComputedTrait, Customer, Segment, SegmentMember
from recommendations.models import ModelVersion, RecommendationList, Slot, VersionState
from recommendations.services.training import train, train_all
from tenants.domain.actors import Actor
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.recommendations.shops import buy, open_shop

pytestmark = pytest.mark.django_db
Train = Callable[[str], dict[str, Any]]


@pytest.fixture(autouse=True)
def _artefacts(settings: Any, tmp_path: Any) -> None:
    settings.ARTEFACT_ROOT = tmp_path


@pytest.fixture
def run(tenant: Tenant, actor: Actor, now: datetime) -> Train:
    return lambda kind: train(tenant=tenant, kind=kind, by=actor, at=now)


@pytest.fixture
def _shop(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        open_shop(customers=15, seed=9, name="other")
    with tenant_scope(tenant):
        open_shop(customers=120, seed=1)


@pytest.mark.usefixtures("_shop")
def test_purchase_writes_its_traits_and_its_version(
    tenant: Tenant, other_tenant: Tenant, run: Train, now: datetime
) -> None:
    outcome = run("purchase")
    assert outcome["outcome"] == "activated"
    assert outcome["version"] == "purchase-1"
    assert outcome["metrics"]["log_loss"] < outcome["baselines"]["log_loss"]
    with tenant_scope(tenant):
        version = ModelVersion.objects.get()
        assert (version.state, version.customers, version.trained_at) == (VersionState.ACTIVE, 120, now)
        assert version.artefact_path == f"{tenant.pk}/{version.artefact_sha256}.zip"
        assert set(version.libraries) == {"numpy", "scipy", "scikit-learn", "implicit"}
        found = ComputedTrait.objects.filter(name="purchase_probability_90d")
        assert found.count() == 120
        assert all(0 <= trait.number <= 1 for trait in found)
        assert set(ComputedTrait.objects.values_list("name", flat=True)) == {
            "purchase_probability_90d",
            "expected_purchases_90d",
            "probability_alive",
            "predicted_value_minor",
        }
        assert AuditEntry.objects.filter(action="model.activated", target_label="purchase-1").count() == 1
    with tenant_scope(other_tenant):
        assert ModelVersion.objects.count() == 0
        assert ComputedTrait.objects.count() == 0


@pytest.mark.usefixtures("_shop")
def test_retraining_retires_the_version_before(tenant: Tenant, run: Train) -> None:
    assert [run("purchase")["version"], run("purchase")["version"]] == ["purchase-1", "purchase-2"]
    with tenant_scope(tenant):
        states = dict(ModelVersion.objects.values_list("number", "state"))
        assert states == {1: VersionState.RETIRED, 2: VersionState.ACTIVE}
        assert set(ComputedTrait.objects.values_list("model_version", flat=True)) == {"purchase-2"}


@pytest.mark.usefixtures("_shop")
def test_a_worse_model_changes_nothing(tenant: Tenant, run: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    run("purchase")
    with tenant_scope(tenant):
        before = list(ComputedTrait.objects.order_by("pk").values_list("pk", "number", "model_version"))
    monkeypatch.setattr(
        "recommendations.ml.purchase_training.calibrated",
        lambda process, triples, calibration: np.full(len(triples), 0.5),
    )
    outcome = run("purchase")
    assert outcome["outcome"] == "rejected"
    assert "rejected: not above baseline" in outcome["report"]
    with tenant_scope(tenant):
        after = list(ComputedTrait.objects.order_by("pk").values_list("pk", "number", "model_version"))
        assert after == before
        assert ModelVersion.objects.get(number=1).state == VersionState.ACTIVE
        assert ModelVersion.objects.get(number=2).state == VersionState.REJECTED


@pytest.mark.usefixtures("_shop")
def test_churn_learns_from_labels_and_compares_with_its_stored_self(tenant: Tenant, run: Train) -> None:
    first = run("churn")
    assert first["outcome"] == "activated"
    assert {"auc", "auc_bg_nbd"} <= set(first["metrics"])
    assert {"auc", "brier", "log_loss"} == set(first["baselines"])
    second = run("churn")
    assert second["outcome"] == "activated"
    assert f"current {first['metrics']['auc']:.4f}" in second["report"]
    with tenant_scope(tenant):
        assert ComputedTrait.objects.filter(name="churn_risk", model_version="churn-2").count() == 120


@pytest.mark.usefixtures("_shop")
def test_a_lost_artefact_does_not_stop_the_successor(tenant: Tenant, run: Train, tmp_path: Any) -> None:
    run("churn")
    for path in (tmp_path / str(tenant.pk)).iterdir():
        path.unlink()
    assert run("churn")["outcome"] == "activated"


@pytest.mark.usefixtures("_shop")
def test_segments_are_published_with_lasting_keys(tenant: Tenant, run: Train) -> None:
    first = run("segments")
    assert first["outcome"] == "activated"
    with tenant_scope(tenant):
        before = dict(Segment.objects.filter(kind="model").values_list("key", "name"))
        assert len(before) == len(first["written"]["segments"]) >= 3
        assert len(set(before.values())) == len(before)
        assert SegmentMember.objects.count() == 120
        told = SegmentMember.objects.values_list("reason", flat=True)
        assert all(re.fullmatch(r"Bought \d+ days ago and on \d+ days; .* \d+ % .*", each) for each in told)
        assert len(set(told)) > len(before)
    run("segments")
    with tenant_scope(tenant):
        assert dict(Segment.objects.filter(kind="model").values_list("key", "name")) == before
        assert SegmentMember.objects.count() == 120
        assert ComputedTrait.objects.filter(name="customer_group").count() == 120


@pytest.mark.usefixtures("_shop")
def test_recommender_lists_both_slots_with_reasons(tenant: Tenant, run: Train) -> None:
    outcome = run("recommender")
    assert outcome["outcome"] == "activated"
    assert outcome["method"] in {"ease", "als", "popularity"}
    with tenant_scope(tenant):
        again = RecommendationList.objects.filter(slot=Slot.BUY_AGAIN)
        assert again.count() == 120
        for entry in again:
            assert len(entry.item_ids) == len(entry.scores) == len(entry.reasons)
            assert entry.scores == sorted(entry.scores, reverse=True)
            assert {reason["kind"] for reason in entry.reasons} == {"bought"}
        version = ModelVersion.objects.get()
        assert version.parameters["popular"][0]["customers"] >= version.parameters["popular"][-1]["customers"]


def test_new_items_follow_the_taste_and_name_their_source(
    tenant: Tenant, run: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many items per taste, so that the collaborative model has something new to offer and wins."""
    with tenant_scope(tenant):
        people, goods = open_shop(customers=150, items=160, seed=3)
    outcome = run("recommender")
    assert outcome["method"] in {"ease", "als"}
    assert outcome["metrics"]["ndcg_at_10"] > outcome["baselines"]["ndcg_at_10"]
    category = {item.pk: item.category for item in goods}
    right, total = 0, 0
    with tenant_scope(tenant):
        for number, person in enumerate(people):
            entry = RecommendationList.objects.get(customer=person, slot=Slot.NEW_FOR_YOU)
            own = RecommendationList.objects.get(customer=person, slot=Slot.BUY_AGAIN)
            assert not set(entry.item_ids[:10]) & set(own.item_ids)
            liked = [reason for reason in entry.reasons[:10] if reason["kind"] == "liked"]
            right += sum(category[item] == ("left", "right")[number % 2] for item in entry.item_ids[:10])
            total += len(entry.item_ids[:10])
            assert all(category[reason["item_id"]] == ("left", "right")[number % 2] for reason in liked)
    assert right / total > 0.9


@pytest.mark.usefixtures("_shop")
def test_customers_without_consent_are_neither_learnt_from_nor_listed(tenant: Tenant, run: Train) -> None:
    run("recommender")
    run("purchase")
    with tenant_scope(tenant):
        shy = Customer.objects.order_by("pk").first()
        assert shy is not None
        assert RecommendationList.objects.filter(customer=shy).count() == 2
        Customer.objects.filter(pk=shy.pk).update(may_profile=False)
    run("recommender")
    run("purchase")
    with tenant_scope(tenant):
        assert RecommendationList.objects.filter(customer=shy).count() == 0
        assert ComputedTrait.objects.filter(customer=shy).count() == 0
        assert ModelVersion.objects.get(kind="purchase", number=2).customers == 119


@pytest.mark.parametrize("customers", [0, 3])
def test_a_young_tenant_gets_a_reason_not_an_error(
    tenant: Tenant, actor: Actor, now: datetime, customers: int
) -> None:
    with tenant_scope(tenant):
        open_shop(customers=customers, items=4, days=60)
    outcomes = train_all(tenant=tenant, by=actor, at=now)["models"]
    needed = {"segments": 30, "purchase": 10, "churn": 10}
    for kind, count in needed.items():
        assert outcomes[kind] == {
            "model": kind,
            "outcome": "skipped",
            "reason": f"needs {count} customers with an order, found {customers}",
        }
    if customers:
        assert outcomes["recommender"]["method"] == "popularity"
        assert outcomes["recommender"]["outcome"] == "activated"
    else:
        assert outcomes["recommender"]["reason"] == "needs 1 purchases of an active item, found 0"


def test_a_customer_with_one_order_counts(tenant: Tenant, run: Train) -> None:
    with tenant_scope(tenant):
        people, goods = open_shop(customers=40, items=10, days=200)
        newcomer, _ = open_shop(customers=0, items=0, name="empty"), None
        late = Customer.objects.create(
            external_id="late", created_at=people[0].created_at, updated_at=people[0].created_at
        )
        buy([(late, goods, 199)], np.random.default_rng(0), "late")
    assert newcomer == ([], [])
    run("purchase")
    with tenant_scope(tenant):
        alive = ComputedTrait.objects.get(customer=late, name="probability_alive")
        assert alive.number == 1.0


def test_an_unknown_kind_is_refused(run: Train) -> None:
    with pytest.raises(InvalidInput, match="no model “horoscope”"):
        run("horoscope")
