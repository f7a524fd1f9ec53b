"""A reviewer sees that a rule pays into another wallet, whatever else it changes."""

from __future__ import annotations

from django.test import Client

from rewards.domain.documents import to_json
from rewards.queries import compiled_revisions, programs
from rewards.services import programs as program_services
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled


def test_another_wallet_is_told_beside_another_amount(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        current = programs.current()
        assert current is not None
        document = to_json(compiled_revisions.revision_of(current))
        document["wallets"].append({"key": "cashback", "name": "Cashback"})
        document["rules"][0]["effects"][0] |= {"wallet": "cashback", "points": 2}
        program_services.save_draft(document=document, by=SYSTEM, at=NOW)
    changes = staff.get("/t/acme/program/2/compare/1/").context["changes"]
    (rule,) = [change for change in changes if change["section"] == "Rule"]
    assert [(str(label), old, new) for label, old, new in rule["parts"]] == [
        ("Gives", "1 point per $1.00 spent", "2 points per $1.00 spent"),
        ("Wallet", "points", "cashback"),
    ]
