"""A draft beside which another one was published: told, merged, or published as it is by who means it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from rewards.models import Program, ProgramRevision
from rewards.services import programs
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled

pytestmark = pytest.mark.django_db
PAGE = "/t/acme/program/2/"


@pytest.fixture
def behind(filled: Filled) -> list[str]:
    """Draft 2 and revision 3 in force changed the first rule both; 3 also the second. Returns their names."""
    with tenant_scope(filled.tenant):
        former = ProgramRevision.objects.get(state="published").document
        mine, theirs = deepcopy(former), deepcopy(former)
        mine["rules"][0]["name"], theirs["rules"][0]["name"] = "Mine <b>", "Theirs"
        theirs["rules"][1]["priority"] = 77
        programs.save_draft(document=mine, by=SYSTEM, at=NOW)
        draft = programs.save_draft(document=theirs, by=SYSTEM, at=NOW)
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
        return [each["name"] for each in former["rules"][:2]]


def document(filled: Filled) -> Any:
    with tenant_scope(filled.tenant):
        return ProgramRevision.objects.get(number=2).document


def test_the_page_tells_what_was_published_and_asks_about_what_both_changed(
    filled: Filled, staff: Client, behind: list[str]
) -> None:
    answer = staff.get(PAGE)
    page, told = answer.content.decode(), answer.context["behind"]
    assert "Behind revision 3" in page
    assert [(each["names"], each["count"]) for each in told["changes"]] == [(["Theirs", behind[1]], 2)]
    (clash,) = told["clashes"]
    assert clash["parts"] == [("Name", "Mine <b>", "Theirs")]
    assert "Mine &lt;b&gt;" in page
    chinese = staff.get(PAGE, headers={"accept-language": "zh-hans"}).content.decode()
    assert "Behind revision" not in chinese
    refused = staff.post(f"{PAGE}steps/update/", follow=True)
    assert "Choose for each." in refused.content.decode()
    done = staff.post(f"{PAGE}steps/update/", {clash["field"]: "draft"}, follow=True)
    assert "Behind revision" not in done.content.decode()
    assert document(filled)["rules"][0]["name"] == "Mine <b>"
    assert document(filled)["rules"][1]["priority"] == 77


def test_who_publishes_it_as_it_is_has_to_say_so(filled: Filled, staff: Client, behind: list[str]) -> None:
    with tenant_scope(filled.tenant):
        Program.objects.update(allows_self_approval=True, rehearsal_policy="acknowledge")
    body = {"confirmation": "2", "acknowledges": "on"}
    refused = staff.post(f"{PAGE}publish/", body)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["undoes_newer"])
    assert staff.post(f"{PAGE}publish/", body | {"undoes_newer": "on"}).status_code == 302
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get(state="published").number == 2
