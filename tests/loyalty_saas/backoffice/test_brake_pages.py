"""The emergency brake on its page, and the banner on the program's."""

from __future__ import annotations

import pytest
from django.test import Client

from rewards.models import ProgramRevision, Reward
from rewards.services import programs
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address

pytestmark = pytest.mark.django_db


def test_the_program_page_tells_of_brakes_until_they_end(filled: Filled, staff: Client) -> None:
    path = address("program_brake", filled)
    with tenant_scope(filled.tenant):
        rule = ProgramRevision.objects.get().document["rules"][0]
        reward = Reward.objects.order_by("pk").values_list("key", flat=True)[0]
    for what, more in (
        (f"rule:{rule['key']}", {"hours": "2"}),
        ("coupon:coupon-1", {}),
        ("campaign:campaign-1", {}),
        (f"reward:{reward}", {}),
        ("limit:refunds", {"most": "1", "window_hours": "200"}),
    ):
        answer = staff.post(path, {"what": what, "reason": "Bots <b>", **more})
        assert answer.status_code == 302, answer.context["form"].errors
        assert answer.url == "/t/acme/program/"
    page = staff.get(address("program", filled)).content.decode()
    assert f"<strong>{rule['name']}</strong> is paused until " in page
    assert "<strong>Ownmark coupon 1</strong> is paused until the next publication" in page
    assert "<strong>Refunds of a customer</strong> is tightened to 1 in 200 hours until the next" in page
    assert "Bots &lt;b&gt;" in page
    listed = staff.get(address("rewards", filled)).content.decode()
    assert listed.count('<span class="b-badge b-warn">Paused</span>') == 1
    listed = staff.get(address("coupons", filled)).content.decode()
    assert '<span class="b-badge b-warn">Paused</span>' in listed
    chinese = staff.get(address("program", filled), headers={"accept-language": "zh-hans"}).content.decode()
    assert "is paused until" not in chinese
    released = staff.post(address("program_brake_release", filled), {"what": "coupon:coupon-1"})
    assert released.url == "/t/acme/program/"
    assert "Ownmark coupon 1</strong>" not in staff.get(address("program", filled)).content.decode()
    staff.post(address("program_edit", filled))
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(state="published").document
        draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
        ProgramRevision.objects.filter(pk=draft.pk).update(state="approved")
    publish = staff.get(f"/t/acme/program/{draft.number}/publish/").content.decode()
    assert "Publishing ends every emergency brake." in publish
    with tenant_scope(filled.tenant):
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
    assert "is paused until" not in staff.get(address("program", filled)).content.decode()


def test_a_looser_limit_is_refused_beside_the_field(filled: Filled, staff: Client) -> None:
    typed = {"what": "limit:refunds", "reason": "x", "most": "6", "window_hours": "168"}
    page = staff.post(address("program_brake", filled), typed)
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["most"])
