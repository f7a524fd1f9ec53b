"""Wallets of a program, configured without code: every setting has a field, errors stand beside it."""

from __future__ import annotations

from typing import Any

from django.test import Client

from rewards.domain.documents import parse
from rewards.models import ProgramRevision
from rewards.queries import programs
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.scope import tenant_scope
from tests.conftest import signed_in
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address
from tests.loyalty_saas.backoffice.test_program_pages import add_row, program_form

FULL: dict[str, Any] = {
    "wallets-0-pending": "first",
    "wallets-0-pending_days": "14",
    "wallets-0-pending_event": "order_delivered",
    "wallets-0-expiry_kind": "calendar",
    "wallets-0-expiry_months": "12",
    "wallets-0-expiry_period": "quarter",
    "wallets-0-expiry_grace_days": "30",
    "wallets-0-expiry_by_tier_gold_kind": "inactivity",
    "wallets-0-expiry_by_tier_gold_months": "18",
    "wallets-0-warning_days": "7, 60",
    "wallets-0-refund_policy": "allow_debt",
    "wallets-0-restore_grace_days": "10",
    "wallets-0-allows_transfers": "on",
    "wallets-0-thousand_points": "5.00",
    "wallets-0-redemption_percent": "80",
    "wallets-0-adjustment_limits_support": "500",
    "wallets-0-adjustment_limits_api_key": "0",
}


def wallets_of(filled: Filled) -> list[dict[str, Any]]:
    """The wallets of the draft, as the document writes them."""
    with tenant_scope(filled.tenant):
        document: dict[str, Any] = ProgramRevision.objects.get(number=2).document
        programs.bind(ProgramRevision.objects.get(number=2))
    return list(document["wallets"])


def save(client: Client, filled: Filled, body: dict[str, Any]) -> Any:
    return client.post(address("program_edit", filled), body)


def test_every_setting_of_a_wallet_is_saved_and_shown_again(filled: Filled, staff: Client) -> None:
    assert save(staff, filled, program_form(staff, filled) | FULL).status_code == 302
    (wallet,) = wallets_of(filled)
    assert wallet == {
        "key": "points",
        "name": "Points",
        "kind": "spendable",
        "expiry": {"kind": "calendar", "months": 12, "period": "quarter", "grace_days": 30},
        "expiry_by_tier": {"gold": {"kind": "inactivity", "months": 18}},
        "pending": {"days": 14, "event": "order_delivered"},
        "refund_policy": "allow_debt",
        "restore_grace_days": 10,
        "allows_transfers": True,
        "thousand_points_minor": 500,
        "redemption_percent": 80,
        "adjustment_limits": {"support": 500, "api_key": 0},
        "warning_days": [60, 7],
    }
    assert save(staff, filled, program_form(staff, filled)).status_code == 302
    (again,) = wallets_of(filled)
    gold = [{"key": "gold", "name": "Gold", "threshold_minor": 0}]
    assert (
        parse({"wallets": [again], "tiers": gold}).wallets
        == parse({"wallets": [wallet], "tiers": gold}).wallets
    )
    # The first draft also takes in what was on offer outside of the program.
    changes = staff.get("/t/acme/program/2/compare/1/").context["changes"]
    (change,) = [each for each in changes if each["section"] == "Wallet"]
    said = {str(label): after for label, _before, after in change["parts"]}
    assert said["Points end"] == (
        "expires with the quarter that is running 12 months later, plus 30 days of grace"
    )
    assert said["Another end for some tiers"] == "Gold: expires 18 months after the last move"
    assert said["Points can be spent"] == "can be spent after 14 days or order_delivered"


def test_points_wait_for_a_date_or_for_staff(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled) | {
        "wallets-0-pending": "until",
        "wallets-0-pending_until": "2026-05-01",
    }
    save(staff, filled, body)
    assert wallets_of(filled)[0]["pending"] == {"until": "2026-05-01"}
    body = program_form(staff, filled)
    assert body["wallets-0-pending_until"] == "2026-05-01"
    save(staff, filled, body | {"wallets-0-pending": "manual"})
    assert wallets_of(filled)[0]["pending"] == {"days": 0, "event": "manual"}


def test_a_status_wallet_is_added_and_taken_away_again(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled)
    values = {"kind": "status", "pending": "now", "expiry_kind": "never", "refund_policy": "only_pending"}
    add_row(body, "wallets", name="Status points", **values)
    assert save(staff, filled, body).status_code == 302
    assert [(wallet["key"], wallet.get("kind", "spendable")) for wallet in wallets_of(filled)] == [
        ("points", "spendable"),
        ("status-points", "status"),
    ]
    context = staff.get(address("program_edit", filled)).context
    assert [row.is_live for row in context["wallets"]] == [True, False]
    assert save(staff, filled, program_form(staff, filled) | {"wallets-1-remove": "on"}).status_code == 302
    assert [wallet["key"] for wallet in wallets_of(filled)] == ["points"]
    # One that members may have points in has no such box, and typing it changes nothing.
    save(staff, filled, program_form(staff, filled) | {"wallets-0-remove": "on"})
    assert [wallet["key"] for wallet in wallets_of(filled)] == ["points"]


def test_errors_stand_beside_their_fields(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled) | {
        "wallets-0-pending": "first",
        "wallets-0-expiry_kind": "inactivity",
        "wallets-0-expiry_months": "",
        "wallets-0-warning_days": "soon",
    }
    answer = save(staff, filled, body)
    assert answer.status_code == 422
    row = answer.context["wallets"].forms[0]
    assert set(row.errors) == {"pending_days", "pending_event", "expiry_months", "warning_days"}
    assert answer.content.decode().count("b-field-error") == 4
    assert [group.is_open for group in row.groups()] == [True, True, True, False, True, False, False]


def test_what_only_the_document_refuses_stands_beside_its_field(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled)
    body |= {"wallets-0-warning_days": "1,2,3,4,5,6", "wallets-0-pending": "event"}
    body |= {"wallets-0-pending_event": "Order-Delivered"}
    add_row(body, "member_caps", wallet="points", points="500", per="month")
    answer = save(staff, filled, body)
    row = answer.context["wallets"].forms[0]
    assert (answer.status_code, answer.context["errors"]) == (422, [])
    assert set(row.errors) == {"warning_days", "pending_event"}


def test_a_tier_that_is_removed_takes_its_expiry_along(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled)
    number = body["tiers-TOTAL_FORMS"]
    add_row(body, "tiers", name="Ruby", threshold="9999")
    save(staff, filled, body)
    save(staff, filled, program_form(staff, filled) | {"wallets-0-expiry_by_tier_ruby_kind": "never"})
    assert wallets_of(filled)[0]["expiry_by_tier"] == {"ruby": {"kind": "never"}}
    body = program_form(staff, filled) | {f"tiers-{number}-DELETE": "on"}
    assert save(staff, filled, body).status_code == 302
    assert wallets_of(filled)[0]["expiry_by_tier"] == {}


def test_the_limit_of_a_member_is_a_row(filled: Filled, staff: Client) -> None:
    body = program_form(staff, filled)
    add_row(body, "member_caps", wallet="points", points="500", per="month")
    assert save(staff, filled, body).status_code == 302
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(number=2).document
    assert document["policies"]["member_caps"] == [{"wallet": "points", "per": "month", "points": 500}]
    body = program_form(staff, filled) | {"member_caps-0-DELETE": "on"}
    assert save(staff, filled, body).status_code == 302
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get(number=2).document["policies"]["member_caps"] == []


def test_another_tenants_form_shows_its_own_wallets(
    filled: Filled, other_filled: Filled, staff: Client, actor: Actor
) -> None:
    save(staff, filled, program_form(staff, filled) | FULL)
    theirs = signed_in(other_filled.tenant, actor, Role.OWNER)
    body = program_form(theirs, other_filled)
    assert (body["wallets-0-expiry_kind"], body["wallets-0-pending"]) == ("rolling", "now")
