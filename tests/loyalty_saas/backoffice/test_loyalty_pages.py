"""Challenges and tiers in the back office: built, previewed, locked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.models import Customer
from rewards.models import (
    ChallengeParticipation,
    LiabilitySnapshot,
    ProgramRevision,
    Reward,
    TierMembership,
    Wallet,
)
from rewards.queries import programs
from rewards.services import challenges, tiers
from tenants.domain.actors import SYSTEM, Actor
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled

NEW: dict[str, Any] = {
    "name": "Week of lessons", "kind": "streak", "counts": "event", "event": "lesson_completed",
    "target": "7", "unit": "day", "gap": "1", "window": "always", "recurrence": "on_completion",
    "wallet": "points", "points": "40", "per_customer": "12", "rolls_back": "on",
    "conditions-TOTAL_FORMS": "1", "conditions-INITIAL_FORMS": "0",
    "conditions-0-property": "score", "conditions-0-op": "gte", "conditions-0-value": "70",
    "parts-TOTAL_FORMS": "0", "parts-INITIAL_FORMS": "0",
    "milestones-TOTAL_FORMS": "1", "milestones-INITIAL_FORMS": "0",
    "milestones-0-at": "3", "milestones-0-points": "5",
}  # fmt: skip


def draft(filled: Filled) -> dict[str, Any]:
    with tenant_scope(filled.tenant):
        found: dict[str, Any] = ProgramRevision.objects.get(state="draft").document
    return found


def test_a_challenge_is_built_edited_and_removed(filled: Filled, staff: Client) -> None:
    answer = staff.post("/t/acme/program/challenges/new/", NEW)
    assert answer.status_code == 302
    written = draft(filled)["challenges"][1]
    assert written["goal"] == {
        "kind": "streak", "match": {"event": "lesson_completed",
                                    "where": {"property": "score", "op": "gte", "value": 70}},
        "target": 7, "unit": "day", "gap": 1, "each": 1,
    }  # fmt: skip
    assert written["milestones"] == [
        {"at": 3, "rewards": [{"kind": "points", "wallet": "points", "points": 5}]}
    ]
    path = "/t/acme/program/challenges/week-of-lessons/"
    assert b"lesson_completed" in staff.get(path).content
    assert staff.post(path, {**NEW, "points": "60"}).status_code == 302
    assert draft(filled)["challenges"][1]["rewards"][0]["points"] == 60
    staff.post(path, {"remove": "1"})
    assert [each["key"] for each in draft(filled)["challenges"]] == ["three-orders"]


def test_a_challenge_chooses_the_budget_that_pays_it(filled: Filled, staff: Client) -> None:
    assert staff.post("/t/acme/program/challenges/new/", NEW).status_code == 302
    assert "budget" not in draft(filled)["challenges"][1]
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(state="draft")
        row.document["budgets"] = [{"key": "b", "name": "Bonus money", "period": "month", "points": 9}]
        ProgramRevision.objects.filter(pk=row.pk).update(document=row.document)
    path = "/t/acme/program/challenges/week-of-lessons/"
    assert b"Bonus money" in staff.get(path).content
    assert staff.post(path, {**NEW, "budget": "b"}).status_code == 302
    assert draft(filled)["challenges"][1]["budget"] == "b"
    assert staff.get(path).context["form"]["budget"].value() == "b"
    assert staff.post(path, {**NEW, "budget": "gone"}).status_code == 422
    assert staff.post(path, {**NEW, "budget": ""}).status_code == 302
    assert "budget" not in draft(filled)["challenges"][1]


@pytest.mark.parametrize(
    ("change", "text"), [({"event": ""}, b"Name the event."), ({"target": ""}, b"Say how much.")]
)
def test_what_is_missing_is_said_beside_the_field(
    filled: Filled, staff: Client, change: dict[str, Any], text: bytes
) -> None:
    answer = staff.post("/t/acme/program/challenges/new/", {**NEW, **change})
    assert answer.status_code == 422
    assert text in answer.content


def test_an_unchanged_challenge_saves_as_it_was(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        before = programs.published().revision.challenges  # type: ignore[union-attr]
    form = staff.get("/t/acme/program/challenges/three-orders/").context["form"]
    values = {name: form[name].value() for name in form.fields}
    body = {name: value for name, value in values.items() if value not in (None, False, "", [])}
    management = {name: value for name, value in NEW.items() if name.endswith("_FORMS") and value == "0"}
    body |= management | {
        "conditions-TOTAL_FORMS": "0",
        "milestones-TOTAL_FORMS": "0",
        "parts-TOTAL_FORMS": "0",
    }
    assert staff.post("/t/acme/program/challenges/three-orders/", body).status_code == 302
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(state="draft")
        assert programs.bind(row).revision.challenges == before


STEPS: dict[str, Any] = {
    **NEW, "name": "Welcome path", "kind": "sequence", "target": "",
    "conditions-TOTAL_FORMS": "0", "milestones-TOTAL_FORMS": "0", "parts-TOTAL_FORMS": "2",
    "parts-0-name": "Good lesson", "parts-0-event": "lesson_completed",
    "parts-0-where": "score >= 70; course != demo",
    "parts-1-name": "First order", "parts-1-categories": "BOOKS, FILM", "parts-1-where": "total_minor >= 500",
}  # fmt: skip


def test_steps_have_conditions_of_their_own(filled: Filled, staff: Client) -> None:
    assert staff.post("/t/acme/program/challenges/new/", STEPS).status_code == 302
    steps = draft(filled)["challenges"][1]["goal"]["steps"]
    assert [step["match"] for step in steps] == [
        {
            "event": "lesson_completed",
            "where": {"all": [{"property": "score", "op": "gte", "value": 70},
                              {"property": "course", "op": "ne", "value": "demo"}]},
        },
        {
            "categories": ["BOOKS", "FILM"], "skus": [],
            "where": {"property": "total_minor", "op": "gte", "value": 500},
        },
    ]  # fmt: skip
    path = "/t/acme/program/challenges/welcome-path/"
    rows = staff.get(path).context["parts"].forms
    assert [row["where"].value() for row in rows[:2]] == ["score >= 70; course != demo", "total_minor >= 500"]
    assert rows[1]["categories"].value() == "BOOKS, FILM"
    body = {**STEPS, "parts-INITIAL_FORMS": "2", "parts-0-key": "good-lesson", "parts-0-where": "",
            "parts-1-key": "first-order"}  # fmt: skip
    assert staff.post(path, body).status_code == 302
    goal = draft(filled)["challenges"][1]["goal"]
    assert (goal["steps"][0]["match"], goal["steps"][0]["key"]) == (
        {"event": "lesson_completed"}, "good-lesson",
    )  # fmt: skip


def test_conditions_of_a_step_that_cannot_be_typed_stay(filled: Filled, staff: Client) -> None:
    staff.post("/t/acme/program/challenges/new/", STEPS)
    deep = {"any": [{"property": "score", "op": "gte", "value": 70},
                    {"property": "course", "op": "exists"}]}  # fmt: skip
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(state="draft")
        row.document["challenges"][1]["goal"]["steps"][0]["match"]["where"] = deep
        ProgramRevision.objects.filter(pk=row.pk).update(document=row.document)
    path = "/t/acme/program/challenges/welcome-path/"
    assert staff.get(path).context["parts"].forms[0]["where"].value() == ""
    body = {**STEPS, "parts-INITIAL_FORMS": "2", "parts-0-key": "good-lesson", "parts-0-where": "",
            "parts-1-key": "first-order"}  # fmt: skip
    assert staff.post(path, body).status_code == 302
    assert draft(filled)["challenges"][1]["goal"]["steps"][0]["match"]["where"] == deep


@pytest.mark.parametrize("wrong", ["score", "score > 3", ">= 3", "score >="])
def test_a_condition_that_is_none_is_refused_beside_its_field(
    filled: Filled, staff: Client, wrong: str
) -> None:
    answer = staff.post("/t/acme/program/challenges/new/", {**STEPS, "parts-0-where": wrong})
    assert (answer.status_code, set(answer.context["parts"].forms[0].errors)) == (422, {"where"})


def test_the_funnel_of_a_challenge(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        ProgramRevision.objects.update(published_at=filled.order.placed_at)
        challenges.record_orders([filled.order.pk], by=SYSTEM, at=NOW)
    page = staff.get("/t/acme/challenges/three-orders/")
    assert [count for _label, count, _share in page.context["steps"]] == [1, 1, 0]
    assert staff.get("/t/acme/challenges/").context["rows"][0]["funnel"].joined == 1
    assert staff.get("/t/acme/challenges/none/").status_code == 404


def test_the_ladder_is_edited_and_previewed(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        tiers.recompute(at=timezone.now())
    page = staff.get("/t/acme/program/ladder/")
    body: dict[str, Any] = {
        "combination": "any", "window": "lifetime", "validity": "months", "valid_months": "12",
        "grace_days": "14", "downgrade": "single_step",
        "criteria-TOTAL_FORMS": "1", "criteria-INITIAL_FORMS": "1",
        "criteria-0-key": "spend", "criteria-0-metric": "spend",
        "tiers-TOTAL_FORMS": "4", "tiers-INITIAL_FORMS": "0",
        "tiers-0-key": "gold", "tiers-0-name": "Gold", "tiers-0-need_spend": "4.00",
        "tiers-0-free_shipping": "on", "tiers-0-entitlements": "lounge, gifts", "tiers-0-rewards": "mug",
        "tiers-0-prices": "mug = 40",
        "tiers-0-costs": "lounge = 12.50\nfree_shipping = 3 per order\nmug = 1",
        "tiers-1-key": "bronze", "tiers-1-name": "Bronze",
        "tiers-2-key": "platinum", "tiers-2-name": "Platinum", "tiers-2-need_spend": "100",
        "tiers-3-key": "silver", "tiers-3-name": "Silver", "tiers-3-need_spend": "2",
    }  # fmt: skip
    assert page.status_code == 200
    answer = staff.post("/t/acme/program/ladder/", body)
    assert answer["Location"].endswith("/program/2/tiers/")
    written = draft(filled)
    assert [(tier["key"], tier["threshold_minor"]) for tier in written["tiers"]] == [
        ("bronze", 0), ("silver", 200), ("gold", 400), ("platinum", 10_000),
    ]  # fmt: skip
    assert written["tiers"][2]["perks"]["entitlements"] == ["lounge", "gifts"]
    assert written["tiers"][2]["perks"]["prices"] == {"mug": 40}
    assert written["tiers"][2]["perks"]["costs"] == {
        "entitlement:lounge": {"cost_minor": 1250, "per": "month"},
        "free_shipping": {"cost_minor": 300, "per": "order"},
        "reward:mug": {"cost_minor": 100, "per": "month"},
    }
    again = staff.get("/t/acme/program/ladder/").context["tiers"].forms[2]
    assert (again["name"].value(), again["prices"].value()) == ("Gold", "mug = 40")
    for wrong in ("mug = 0", "mug", "cup = 5"):
        refused = staff.post("/t/acme/program/ladder/", body | {"tiers-0-prices": wrong})
        assert (refused.status_code, set(refused.context["tiers"].forms[0].errors)) == (422, {"prices"})
    assert set(again["costs"].value().splitlines()) == {
        "lounge = 12.50", "free_shipping = 3.00 per order", "mug = 1.00",
    }  # fmt: skip
    for wrong in ("lounge", "lounge = x", "lounge = -1", "sauna = 1", "lounge = NaN", "lounge = 1 per order"):
        refused = staff.post("/t/acme/program/ladder/", body | {"tiers-0-costs": wrong})
        assert (refused.status_code, set(refused.context["tiers"].forms[0].errors)) == (422, {"costs"}), wrong
    page = staff.get("/t/acme/program/2/tiers/")
    assert "Perks cost more in a year" in page.content.decode()
    preview = page.context["preview"]
    assert preview.perk_cost_minor == 12 * 1350 + 300
    assert (preview.ups, preview.downs) == (1, 0)
    assert preview.after == {"bronze": 1, "gold": 1}


def test_people_order_a_ladder_that_spend_does_not(filled: Filled, staff: Client) -> None:
    body: dict[str, Any] = {
        "combination": "all", "window": "rolling_months", "length": "12", "validity": "while_qualified",
        "downgrade": "full",
        "criteria-TOTAL_FORMS": "2", "criteria-INITIAL_FORMS": "1",
        "criteria-0-key": "spend", "criteria-0-metric": "spend",
        "criteria-1-metric": "events", "criteria-1-of": "lesson_done",
        "tiers-TOTAL_FORMS": "4", "tiers-INITIAL_FORMS": "4",
        "tiers-0-key": "bronze", "tiers-0-name": "Bronze",
        "tiers-1-key": "gold", "tiers-1-name": "Gold", "tiers-1-need_spend": "4.00",
        "tiers-2-key": "silver", "tiers-2-name": "Silver", "tiers-2-need_spend": "1",
        "tiers-3-key": "platinum", "tiers-3-name": "Platinum", "tiers-3-need_spend": "9",
    }  # fmt: skip
    page = staff.get("/t/acme/program/ladder/")
    assert (page.context["is_ordered"], b"data-sorts" in page.content) == (False, False)
    assert staff.post("/t/acme/program/ladder/", body).status_code == 302
    page = staff.get("/t/acme/program/ladder/")
    assert page.context["is_ordered"]
    assert b'draggable="true"' in page.content
    labels = {field.label for field in page.context["tiers"].forms[0]}
    assert {"Needs spend (USD)", "Needs events (lesson_done)"} <= labels
    key = page.context["criteria"].forms[1]["key"].value()
    lessons = {"tiers-1": "30", "tiers-2": "10", "tiers-3": "20"}
    body |= {f"{row}-need_{key}": need for row, need in lessons.items()} | {"criteria-1-key": key}
    body |= {f"{row}-need_spend": "" for row in lessons} | {"criteria-INITIAL_FORMS": "2"}
    places = {"tiers-0-ORDER": "1", "tiers-1-ORDER": "4", "tiers-2-ORDER": "2", "tiers-3-ORDER": "3"}
    # A new step that nobody moved comes last.
    unmoved = {**body, **places, "tiers-3-ORDER": "", f"tiers-3-need_{key}": "40"}
    assert staff.post("/t/acme/program/ladder/", unmoved).status_code == 302
    assert [tier["key"] for tier in draft(filled)["tiers"]] == ["bronze", "silver", "gold", "platinum"]
    assert staff.post("/t/acme/program/ladder/", body | places).status_code == 302
    assert [tier["key"] for tier in draft(filled)["tiers"]] == ["bronze", "silver", "platinum", "gold"]
    # A step below that asks more is refused by the document, whatever the browser sends.
    answer = staff.post("/t/acme/program/ladder/", body | places | {"tiers-1-ORDER": "2"})
    assert answer.status_code == 422
    assert "lesson" in answer.content.decode()
    shown = staff.get("/t/acme/program/2/").context["program"]
    assert [needs for _tier, needs in shown["tiers"]] == [
        "everybody", "10 × lesson_done", "20 × lesson_done", "30 × lesson_done",
    ]  # fmt: skip
    assert shown["window"] == "the last 12 months"


def test_the_ladder_speaks_the_readers_language(filled: Filled, staff: Client) -> None:
    page = staff.get("/t/acme/tiers/")
    silver = page.context["ladder"][1]
    assert silver["needs"].endswith(" of spend")
    assert "Counted over the last 365 days." in page.content.decode()
    staff.cookies["django_language"] = "zh-hans"
    chinese = staff.get("/t/acme/tiers/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "按最近 365 天计算。" in chinese
    assert " spend" not in chinese.partition("<main")[2]


def test_a_customers_page_shows_the_perks_of_the_tier(filled: Filled, staff: Client, actor: Actor) -> None:
    perks = {"free_shipping": True, "entitlements": ["lounge"], "rewards": ["mug"], "prices": {"mug": 40}}
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(number=1).document
        ladder = [{**tier, "perks": perks} if tier["key"] == "silver" else tier for tier in document["tiers"]]
        ProgramRevision.objects.update(document={**document, "tiers": ladder})
        until = timezone.now() + timedelta(days=9)
        tiers.lock(
            customer=filled.customer, tier_key="gold", until=until, reason="x", by=actor, at=timezone.now()
        )
        mug = Reward.objects.get(key="mug")
    tier = staff.get(f"/t/acme/customers/{filled.customer.public_id}/").context["tier"]
    # What the tier below has for buying holds for gold, too; the rest is of each tier itself.
    assert tier["perks"] == [
        "Points for purchases × 1.25",
        f"may buy {mug.name}",
        f"{mug.name} for 40 points",
    ]


def test_support_enters_a_customer_into_a_challenge_and_takes_them_out(filled: Filled, staff: Client) -> None:
    tasks = [
        {"key": key, "name": name, "goal": {"kind": "count", "match": {}, "target": target}}
        for key, name, target in (("buy", "Buy twice", 2), ("more", "Buy on", 5))
    ]
    join = {
        "key": "join", "name": "Join", "opt_in": True, "goal": {"kind": "set", "tasks": tasks},
        "rewards": [{"kind": "points", "wallet": "points", "points": 5}],
    }  # fmt: skip
    with tenant_scope(filled.tenant):
        revision = ProgramRevision.objects.get(state="published")
        document = {**revision.document, "challenges": [*revision.document["challenges"], join]}
        ProgramRevision.objects.filter(pk=revision.pk).update(document=document)
    path, page = f"/t/acme/customers/{filled.customer.public_id}/", "challenge/"
    assert b"Buy twice" in staff.get(path).content
    assert b"Enter the customer" in staff.get(path).content
    for step, joined, text in (({}, True, b"Take out"), ({"leave": "1"}, False, b"Enter the customer")):
        answer = staff.post(f"{path}{page}", {"challenge": "join", **step}, follow=True)
        assert text in answer.content
        with tenant_scope(filled.tenant):
            row = ChallengeParticipation.objects.get(customer=filled.customer, challenge_key="join")
            assert row.is_opted_in is joined
    refused = staff.post(f"{path}{page}", {"challenge": "three-orders"}, follow=True)
    assert b"Everybody takes part" in refused.content


def test_a_tier_is_locked_and_opened_again(filled: Filled, staff: Client) -> None:
    path = f"/t/acme/customers/{filled.customer.public_id}/tier/"
    body = {"tier": "gold", "until": "2100-01-01", "reason": "Complaint"}
    assert staff.post(path, body).status_code == 302
    with tenant_scope(filled.tenant):
        assert TierMembership.objects.get(customer=filled.customer).tier_key == "gold"
        assert Customer.objects.count() >= 1
    page = staff.get(f"/t/acme/customers/{filled.customer.public_id}/")
    assert b"Complaint" in page.content
    staff.post(path, {"unlock": "1"})
    with tenant_scope(filled.tenant):
        held = TierMembership.objects.get(customer=filled.customer)
        assert (held.tier_key, held.locked_until) == ("bronze", None)
    for wrong in ("2020-01-01", "9999-12-31"):
        refused = staff.post(path, {**body, "until": wrong})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["until"])


def test_a_month_end_is_looked_at_again(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        wallet = Wallet.objects.get(key="points")
        LiabilitySnapshot.objects.create(
            month_end=date(2026, 2, 28), wallet=wallet, tier_key="", age="3", points=4321, cost_minor=5,
            liability_minor=4, taken_at=NOW,
        )  # fmt: skip
    page = staff.get("/t/acme/liability/?month_end=2026-02-28")
    assert (page.context["total"].points, page.context["month_end"]) == (4321, date(2026, 2, 28))
    assert [row[1].points for row in page.context["groups"][0]["rows"]] == [4321]
    assert '<option value="2026-02-28" selected>' in page.content.decode()
    now = staff.get("/t/acme/liability/?month_end=2026-02-27")
    assert (now.context["month_end"], now.context["total"].points == 4321) == (None, False)
