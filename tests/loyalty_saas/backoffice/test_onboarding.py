"""A new tenant's first page: settings, a preset, sample traffic as a job."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from rewards.queries import programs
from tenants.domain.actors import Actor, ActorKind
from tenants.models import Job, Membership, Tenant
from tenants.scope import tenant_scope
from tenants.services import tenants
from tenants.services.tenants import Particulars
from tests.conftest import NOW
from tests.rewards.factories import make_customer

PATH = "/t/acme/onboarding/"
SETTINGS = {
    "name": "Acme Bank",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
    "locale": "zh-hans",
    "vertical": "finance",
}


def test_settings_are_saved_until_a_program_is_in_force(tenant: Tenant, staff: Client) -> None:
    assert [step.is_done for step in staff.get(PATH).context["steps"]] == [False] * 5
    assert staff.post(PATH, SETTINGS).status_code == 302
    tenant.refresh_from_db()
    assert (tenant.name, tenant.currency, tenant.vertical, tenant.locale) == (
        "Acme Bank", "EUR", "finance", "zh-hans",
    )  # fmt: skip
    assert staff.post(PATH, {**SETTINGS, "currency": "euro"}).status_code == 422
    staff.post(PATH, {"install": "1", "preset": "finance"})
    assert staff.post(PATH, {**SETTINGS, "currency": "USD"}).status_code == 422
    tenant.refresh_from_db()
    assert tenant.currency == "EUR"


def test_who_opened_the_tenant_has_said_who_it_is(tenant: Tenant, staff: Client) -> None:
    assert not staff.get(PATH).context["steps"][0].is_done
    with tenant_scope(tenant):
        user = Membership.objects.select_related("user").get().user
    with override_settings(OWNERS_OPEN_TENANTS=True):
        opened = tenants.open_another(
            owner=user,
            particulars=Particulars("acme-two", "Acme Two"),
            by=Actor(ActorKind.USER, "o", user.pk),
            at=NOW,
        )
    assert staff.get(f"/t/{opened.slug}/onboarding/").context["steps"][0].is_done
    staff.post(PATH, SETTINGS)
    assert staff.get(PATH).context["steps"][0].is_done


@pytest.mark.parametrize("sample", [False, True])
def test_a_preset_is_put_in_force_with_or_without_sample_traffic(
    tenant: Tenant, staff: Client, sample: bool
) -> None:
    body = {"install": "1", "preset": "social", **({"has_sample": "on"} if sample else {})}
    answer = staff.post(PATH, body)
    with tenant_scope(tenant):
        assert programs.current() is not None
        found = Job.objects.filter(kind="rewards.play_preset")
        assert [job.params for job in found] == ([{"preset": "social"}] if sample else [])
        target = f"/t/acme/jobs/{found[0].public_id}/" if sample else "/t/acme/program/"
    assert answer["Location"] == target
    page = staff.get(PATH)
    assert page.context["has_program"]
    again = staff.post(PATH, body, follow=True)
    assert b"presets are for new ones" in again.content


def test_samples_are_not_mixed_with_real_customers(tenant: Tenant, staff: Client) -> None:
    with tenant_scope(tenant):
        make_customer()
    answer = staff.post(PATH, {"install": "1", "preset": "social", "has_sample": "on"})
    assert (answer.status_code, list(answer.context["presets"].errors)) == (422, ["has_sample"])
    with tenant_scope(tenant):
        assert programs.current() is None
        assert not Job.objects.exists()


def test_an_unknown_preset_is_refused(tenant: Tenant, staff: Client) -> None:
    assert staff.post(PATH, {"install": "1", "preset": "mining"}).status_code == 422
