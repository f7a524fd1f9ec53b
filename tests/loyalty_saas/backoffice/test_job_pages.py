"""What a job's page says of what was asked and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from rewards.services import rehearsals
from tenants.admin import job_words
from tenants.domain.actors import Actor
from tenants.models import Job
from tenants.scope import tenant_scope
from tenants.services import jobs
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled

pytestmark = pytest.mark.django_db


def test_a_rehearsals_page_speaks_in_words_and_leads_to_its_revision(
    filled: Filled, staff: Client, actor: Actor
) -> None:
    params: dict[str, Any] = {
        "number": 1, "days": 30, "by": "m", "is_moved": True, "until": "2026-01-02T05:00:00+00:00",
    }  # fmt: skip
    with tenant_scope(filled.tenant):
        job = jobs.start(kind=rehearsals.KIND, params=params, by=actor, at=NOW)
        path = f"/t/acme/jobs/{job.public_id}/"
    assert "Look at the result" not in staff.get(path).content.decode()
    with tenant_scope(filled.tenant):
        Job.objects.filter(pk=job.pk).update(state="succeeded", result={"events": 12313, "points": 5})
    page = staff.get(path).content.decode()
    assert "<dt>Revision</dt><dd>1</dd>" in page
    assert "<dt>Until</dt><dd>2 Jan 2026, 00:00</dd>" in page
    assert "<dt>Events</dt><dd>12,313</dd>" in page
    assert "is_moved" not in page
    assert 'href="/t/acme/program/1/">Look at the result' in page
    chinese = staff.get(path, headers={"accept-language": "zh-hans"}).content.decode()
    assert "<dt>版本</dt>" in chinese


def test_what_has_no_label_is_written_as_words() -> None:
    with translation.override("en"):
        said = job_words.facts(
            {"large_blocks": 2, "keys": ["a", "b"], "segments": [{"key": "a"}], "unknown": {}}
        )
    assert said == [("Large blocks", "2"), ("Keys", "a, b")]


def test_the_page_that_edits_the_program_leads_to_its_challenges(filled: Filled, staff: Client) -> None:
    page = staff.get("/t/acme/program/edit/").content.decode()
    assert 'href="/t/acme/program/challenges/new/"' in page
    for challenge in staff.get("/t/acme/program/edit/").context["challenges"]:
        assert f'href="/t/acme/program/challenges/{challenge[0]}/"' in page


def test_an_order_of_a_customer_is_no_sequence_in_chinese(filled: Filled, staff: Client) -> None:
    chinese = {"accept-language": "zh-hans"}
    orders = staff.get("/t/acme/orders/", headers=chinese).content.decode()
    assert '<th scope="col">订单</th>' in orders
    rule = staff.get("/t/acme/program/rules/new/", headers=chinese).context["form"]
    with translation.override("zh-hans"):
        assert str(rule.fields["priority"].label) == "顺序"
