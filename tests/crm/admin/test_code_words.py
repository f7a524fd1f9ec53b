from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from crm.models import EventReject
from crm.services import merges
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def test_codes_stand_in_words_and_own_words_as_they_are(tenant: Tenant, staff: Client) -> None:
    with tenant_scope(tenant):
        ann = factories.customer("c1")
        for number, reason in enumerate(["duplicate", "She told us"]):
            absorbed = factories.customer(f"x{number}")
            merges.merge(survivor=ann, absorbed=absorbed, reason=reason, by=SYSTEM, at=NOW)
        reject = EventReject.objects.create(received_at=NOW, reason="identity_missing", payload={})
    shown = staff.get(f"/t/{tenant.slug}/merges/").content.decode()
    assert ">Duplicate<" in shown
    assert ">She told us<" in shown
    page = f"/t/{tenant.slug}/events/rejects/{reject.public_id}/"
    assert "without a customer" in staff.get(page).content.decode()
    with translation.override("zh-hans"):
        shown = staff.get(page, headers={"accept-language": "zh-hans"}).content.decode()
    assert "identity_missing" not in shown
