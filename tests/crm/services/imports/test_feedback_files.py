"""Ratings and words from files: recorded once, read like those of the API, taken back where nobody acted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.models import ComputedTrait, Feedback, QuarantinedRow, RecoveryCase, StagedRow
from crm.services import feedback, recovery_cases
from crm.services.imports import feedback_records, wizard
from recommendations.services import feedback_reading
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import PermissionRefused
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import checked, counts, loaded, run_job, uploaded

pytestmark = pytest.mark.django_db
HEADER = "customer id,review id,kind,rating,comment,date,sku,order id\n"
ROWS = (
    "c1,,nps,3,,2026-01-05T10:00:00Z,,\n"
    "c1,r2,review,1,The staff was rude and the food terrible!,2026-01-06T10:00:00Z,tea,\n"
    ",r3,,,Wonderful and friendly service.,2026-01-06T10:00:00Z,,\n"
    ",,csat,4,,2026-01-06T10:00:00Z,,\n"
    "c1,r5,csat,9,,2026-01-06T10:00:00Z,,\n"
    "c1,r6,poem,4,,2026-01-06T10:00:00Z,,\n"
    "c1,r7,,,,2026-01-06T10:00:00Z,,\n"
    "nobody,r8,csat,4,,2026-01-06T10:00:00Z,,\n"
    "c1,r9,review,4,,2026-01-06T10:00:00Z,absent,\n"
    "c1,r10,csat,4,,2026-01-06T10:00:00Z,,o-1\n"
    "c1,r11,csat,4,,2099-01-06T10:00:00Z,,\n"
    "c1,,nps,3,,2026-01-05T10:00:00Z,,\n"
)
REFUSED = {
    4: "feedback_id_missing", 5: "rating_invalid", 6: "feedback_kind_unknown", 7: "feedback_empty",
    8: "customer_unknown", 9: "item_unknown", 10: "order_unknown", 11: "feedback_time_out_of_range",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


@pytest.fixture
def shop(tenant: Tenant, other_tenant: Tenant) -> Tenant:
    """A shop with a customer and an item, beside one that has the order and the item of the bad rows."""
    with tenant_scope(other_tenant):
        factories.item("absent")
        factories.order("o-1", factories.customer("nobody"))
    with tenant_scope(tenant):
        factories.customer("c1")
        factories.item("tea")
    return tenant


def test_the_check_says_what_the_load_does(shop: Tenant) -> None:
    run = checked(shop, uploaded(shop, "feedback", HEADER + ROWS))
    rows = {"read": 12, "accepted": 3, "merged": 1, "quarantined": 8}
    assert (run.check_report["rows"], run.check_report["new"]) == (rows, 3)
    with tenant_scope(shop):
        refused = StagedRow.objects.filter(outcome="quarantined").values_list("row_number", "reason")
        assert (dict(refused), Feedback.objects.count()) == (REFUSED, 0)
        wizard.start_load(run=run, by=SYSTEM, at=NOW)
    run_job("crm.load_import", shop, run)
    assert counts(run) == (12, 3, 1, 8)
    with tenant_scope(shop):
        assert dict(QuarantinedRow.objects.values_list("row_number", "reason")) == REFUSED
        assert QuarantinedRow.objects.get(row_number=8).raw["customer id"] == "nobody"


def test_words_are_read_and_the_unhappy_are_to_be_won_back(shop: Tenant) -> None:
    loaded(shop, "feedback", HEADER + ROWS)
    with tenant_scope(shop):
        found = dict(Feedback.objects.values_list("source_id", "kind"))
        assert {"r2": "review", "r3": "ticket"}.items() <= found.items()
        review = Feedback.objects.get(source_id="r2")
        assert (review.source, review.item.external_id, review.customer.external_id) == (
            "import",
            "tea",
            "c1",
        )
        assert Feedback.objects.get(kind="nps").sentiment == -0.4
        [message] = OutboxMessage.objects.filter(topic="crm.feedback_recorded")
        feedback_reading.read(feedback_ids=message.payload["feedback_ids"], at=NOW)
        scores = {each: Feedback.objects.get(source_id=each).sentiment for each in ("r2", "r3")}
        assert scores["r2"] < -0.25 < 0.25 < scores["r3"]
        assert RecoveryCase.objects.count() == 2


def test_a_file_twice_changes_nothing_and_corrected_rows_are_repeated(shop: Tenant) -> None:
    first = loaded(shop, "feedback", HEADER + ROWS)
    again = loaded(shop, "feedback", HEADER + ROWS)
    assert (counts(again), again.report["unchanged"]) == ((12, 0, 4, 8), 3)
    with tenant_scope(shop):
        factories.item("absent")
        retry = wizard.retry_failed(run=first, by=SYSTEM, at=NOW)
        wizard.start_check(run=retry, by=SYSTEM, at=NOW)
    run_job("crm.check_import", shop, retry)
    with tenant_scope(shop):
        wizard.start_load(run=retry, by=SYSTEM, at=NOW)
    run_job("crm.load_import", shop, retry)
    assert counts(retry) == (8, 1, 0, 7)
    with tenant_scope(shop):
        assert Feedback.objects.get(source_id="r9").item.external_id == "absent"


def test_an_undo_leaves_what_somebody_has_worked_on(shop: Tenant) -> None:
    run = loaded(shop, "feedback", HEADER + ROWS + "c1,r20,csat,5,,2026-01-07T10:00:00Z,,\n")
    with tenant_scope(shop):
        factories.customer("c2")
    other = loaded(shop, "feedback", "customer id,rating,date\nc2,5,2026-01-06T10:00:00Z\n")
    with tenant_scope(shop):
        assert ComputedTrait.objects.filter(name="sentiment").count() == 2
        recovery_cases.take(case=RecoveryCase.objects.get(feedback__source_id="r2"), by=SYSTEM, at=NOW)
        feedback.correct(feedback=Feedback.objects.get(source_id="r3"), is_positive=True, by=SYSTEM, at=NOW)
        for each in (run, other):
            wizard.start_undo(run=each, by=SYSTEM, at=NOW)
    for each in (run, other):
        run_job("crm.undo_import", shop, each)
    assert run.undo_report == {"feedback": 2, "feedback_in_use": 2}
    with tenant_scope(shop):
        assert set(Feedback.objects.values_list("source_id", flat=True)) == {"r2", "r3"}
        assert RecoveryCase.objects.count() == 1
        # The words of r2 are still unread, so nothing is left to compute the mood from.
        assert not ComputedTrait.objects.filter(name__startswith="sentiment").exists()


def test_who_may_not_edit_feedback_may_not_import_it(shop: Tenant) -> None:
    importer = Actor(kind="user", id="1", label="x", permissions=frozenset({"customers:import"}))
    with tenant_scope(shop), pytest.raises(PermissionRefused):
        wizard.upload(kind="feedback", file_name="a.csv", chunks=[b"rating\n3\n"], by=importer, at=NOW)


def test_more_words_than_one_message_names_are_read_in_several(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_records, "_AT_ONCE", 2)
    text = "customer id,text,date\n" + "".join(f"c1,Good {n},2026-01-06T10:00:00Z\n" for n in range(5))
    assert counts(loaded(shop, "feedback", text)) == (5, 5, 0, 0)
    with tenant_scope(shop):
        told = OutboxMessage.objects.filter(topic="crm.feedback_recorded").order_by("id")
        assert [len(each.payload["feedback_ids"]) for each in told] == [2, 2, 1]
