"""A file through the wizard: mapped, checked, loaded, its failed rows repeated, and all of it undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.domain.import_plans import REASON_COLUMN
from crm.models import (
    AttributeDefinition,
    Customer,
    Identity,
    ImportChange,
    ImportRun,
    Item,
    Person,
    QuarantinedRow,
    StagedRow,
)
from crm.queries import failed_rows
from crm.services.imports import staged, wizard
from crm.services.imports.errors import PlanInvalid, UnreadableFile, WrongState
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import PermissionRefused
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories
from tests.crm.services.imports.wizardry import checked, counts, loaded, mapped, run_job, uploaded

pytestmark = pytest.mark.django_db
MESSY = (
    "客户编号;邮箱;姓名;城市;生日;消费额;备注\r\n"
    "c1;Ann@Example.com;Ann;;03/02/1990;1.234,50;\r\n"
    'c2;bob@example.com;Bob;York;;7;"says ""hi"";\n twice"\r\n'
    "c3;not an address;Carl;;;;\r\n"
    "c2;;;Leeds;;8;\r\n"
    ";;Nobody;;;;\r\n"
    "c4;dora@example.com;Dora;;31/12/1985;x;\r\n"
    "c1;Ann@Example.com;Ann;;03/02/1990;1.234,50;\r\n"
).encode("gb18030")


@pytest.fixture(autouse=True)
def _private_files(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"


def attribute_of(run: ImportRun, source: str) -> str:
    [target] = [each["target"] for each in run.plan["columns"] if each["source"] == source]
    return str(target)


def test_a_messy_file_is_understood_checked_and_loaded(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        factories.customer("c1", person={"email": "ann@example.com", "city": "Leeds", "given_name": "Ann"})
    run = uploaded(tenant, "customers", MESSY, "客户.csv")
    assert (run.state, run.shape["encoding"], run.shape["delimiter"]) == ("uploaded", "gb18030", ";")
    assert {each["source"]: each.get("target", "") for each in run.plan["columns"]} == {
        "客户编号": "identity.external_id",
        "邮箱": "person.email",
        "姓名": "person.given_name",
        "城市": "person.city",
        "生日": "person.birth_on",
        "消费额": "attribute.消费额",
        "备注": "attribute.备注",
    }
    run = checked(tenant, run, columns={"消费额": {"type": "number", "decimal_comma": True}})
    assert run.state == "checked"
    assert run.check_report == {
        "new": 1,
        "changed": 1,
        "unchanged": 0,
        "merged": {"exact_duplicate": 1, "same_key": 1},
        "quarantined": {"email_invalid": 1, "id_missing": 1, "number_invalid": 1},
        "warnings": {},
        "rows": {"read": 7, "accepted": 2, "merged": 2, "quarantined": 3},
    }
    with tenant_scope(tenant):
        assert Customer.objects.count() == 1
        wizard.start_load(run=run, by=SYSTEM, at=NOW)
    run_job("crm.load_import", tenant, run)
    assert (run.state, counts(run)) == ("done_with_errors", (7, 2, 2, 3))
    with tenant_scope(tenant):
        ann, bob = Person.objects.order_by("customer__external_id")
        assert (ann.city, str(ann.birth_on), ann.customer.attributes) == (
            "Leeds", "1990-02-03", {"消费额": 1234.5},
        )  # fmt: skip
        assert (bob.city, bob.given_name, bob.customer.attributes) == (
            "Leeds", "Bob", {"消费额": 8, "备注": 'says "hi";\n twice'},
        )  # fmt: skip
        assert AttributeDefinition.objects.get(key="消费额").value_type == "number"
        assert list(
            QuarantinedRow.objects.order_by("row_number").values_list("row_number", "reason", "column")
        ) == [
            (3, "email_invalid", "邮箱"),
            (5, "id_missing", ""),
            (6, "number_invalid", "消费额"),
        ]
        assert StagedRow.objects.count() == 0
    with tenant_scope(crowd):
        assert Customer.objects.count() == 3


def test_the_same_file_again_changes_nothing(tenant: Tenant) -> None:
    text = "customer id,email,city,age\nc1,a@example.com,York,31\nc2,b@example.com,Hull,\n"
    assert counts(loaded(tenant, "customers", text)) == (2, 2, 0, 0)
    run = loaded(tenant, "customers", text)
    assert (counts(run), run.report["unchanged"], run.state) == ((2, 0, 2, 0), 2, "done")


def test_blank_keeps_unless_told_to_clear_and_missing_values_follow_the_plan(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        factories.customer("c1", person={"city": "Leeds", "country": "UK"}, attributes={"size": "L"})
    loaded(tenant, "customers", "customer id,city,attribute size\nc1,,\n")
    with tenant_scope(tenant):
        assert Person.objects.get().city == "Leeds"
    text = "customer id,city,country,size\nc1,,,\nc2,York,DE,S\nc3,,,M\n"
    run = loaded(
        tenant,
        "customers",
        text,
        clears_blank=True,
        columns={
            "country": {"missing": "previous"},
            "city": {"missing": "keep"},
            "size": {"target": "attribute.size", "type": "text"},
        },
    )
    assert counts(run) == (3, 3, 0, 0)
    with tenant_scope(tenant):
        persons = {each.customer.external_id: each for each in Person.objects.select_related("customer")}
        assert (persons["c1"].city, persons["c1"].country, persons["c1"].customer.attributes) == ("", "", {})
        assert persons["c3"].country == "DE"
    run = loaded(
        tenant,
        "customers",
        "customer id,city,country\nc4,,\nc5,Rome,\n",
        columns={"city": {"missing": "drop"}, "country": {"missing": "fill", "fill": "IT"}},
    )
    assert counts(run) == (2, 1, 0, 1)
    with tenant_scope(tenant):
        assert Person.objects.get(customer__external_id="c5").country == "IT"
        assert QuarantinedRow.objects.get(import_run=run).reason == "value_missing"


def test_customers_are_found_by_email_and_phone_and_never_doubled(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        known = factories.customer(
            None, person={"email": "ann@example.com"}, identities=(("email", "ann@example.com"),)
        )
    run = loaded(tenant, "customers", "mail,city\nANN@example.com ,York\nnew@example.com,Hull\n")
    assert counts(run) == (2, 2, 0, 0)
    with tenant_scope(tenant):
        assert Customer.objects.count() == 2
        assert Person.objects.get(customer=known).city == "York"
    run = loaded(
        tenant,
        "customers",
        "customer id,mail\nc1,ann@example.com\nc2,both@example.com\nc3,both@example.com\n",
    )
    assert (counts(run), run.report["warnings"]) == ((3, 3, 0, 0), {"identity_taken": 2})
    with tenant_scope(tenant):
        assert Identity.objects.get(kind="email", value="ann@example.com").customer_id == known.pk


def test_failed_rows_come_back_corrected(tenant: Tenant) -> None:
    text = "customer id,email,amount\nc1,=cmd,1\nc2,b@example.com,-5\nc3,wrong,+49 30 1\n"
    run = loaded(tenant, "customers", text, columns={"amount": {"type": "text"}})
    assert counts(run) == (3, 1, 0, 2)
    with tenant_scope(tenant):
        file = b"".join(failed_rows.csv_chunks(run)).decode("utf-8-sig")
    assert file.splitlines() == [
        "customer id,email,amount,row in the import,reason,wrong column",
        "c1,'=cmd,1,1,email_invalid,email",
        "c3,wrong,+49 30 1,3,email_invalid,email",
    ]
    corrected = file.replace("'=cmd", "a@example.com").replace("wrong,+49", "c@example.com,+49")
    again = uploaded(tenant, "customers", corrected)
    assert [each.get("target") for each in again.plan["columns"] if each["source"] == REASON_COLUMN] in (
        [None],
        [],
    )
    run = loaded(tenant, "customers", corrected)
    assert counts(run) == (2, 2, 0, 0)
    with tenant_scope(tenant):
        assert sorted(Person.objects.values_list("email", flat=True)) == [
            "a@example.com", "b@example.com", "c@example.com",
        ]  # fmt: skip


def test_only_the_failed_rows_are_repeated(tenant: Tenant) -> None:
    run = loaded(tenant, "customers", "customer id,email\nc1,wrong\nc2,b@example.com\n")
    with tenant_scope(tenant):
        again = wizard.retry_failed(run=run, by=SYSTEM, at=NOW)
        assert (again.state, again.retry_of_id, again.plan) == ("mapped", run.pk, run.plan)
        wizard.start_check(run=again, by=SYSTEM, at=NOW)
    run_job("crm.check_import", tenant, again)
    assert (again.rows_read, again.check_report["quarantined"]) == (1, {"email_invalid": 1})


def test_undo_takes_back_what_nobody_has_touched_since(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        factories.customer("old", person={"city": "Leeds", "country": "UK"}, attributes={"size": "L"})
    rows = ("old,o@example.com,York,FR,S", "new,n@example.com,Hull,,", "used,,Bath,,")
    text = "\n".join(["customer id,email,city,country,size", *rows])
    run = loaded(tenant, "customers", text, columns={"size": {"target": "attribute.size", "type": "text"}})
    assert counts(run) == (3, 3, 0, 0)
    with tenant_scope(tenant):
        factories.order("o1", Customer.objects.get(external_id="used"))
        Person.objects.filter(customer__external_id="old").update(country="DE")
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    run_job("crm.undo_import", tenant, run)
    assert run.state == "reverted"
    assert run.undo_report == {"removed": 1, "in_use": 1, "restored": 1, "changed_since": 1}
    with tenant_scope(tenant):
        assert sorted(Customer.objects.values_list("external_id", flat=True)) == ["old", "used"]
        old = Person.objects.get(customer__external_id="old")
        assert (old.city, old.country, old.email, old.customer.attributes) == (
            "Leeds",
            "DE",
            "",
            {"size": "L"},
        )
        assert not Identity.objects.filter(kind="email").exists()
        assert ImportChange.objects.count() == 0


def test_a_load_that_was_killed_goes_on_and_doubles_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "BLOCK_ROWS", 2)
    text = "customer id,email\n" + "".join(f"c{n},c{n}@example.com\n" for n in range(1, 8))
    run = checked(tenant, uploaded(tenant, "customers", text))
    with tenant_scope(tenant):
        wizard.start_load(run=run, by=SYSTEM, at=NOW)

    def killed(done: int, total: int, message: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job("crm.load_import", tenant, run, killed)
    with tenant_scope(tenant):
        run.refresh_from_db()
        assert (run.state, run.position, Customer.objects.count()) == ("running", 4, 4)
    run_job("crm.load_import", tenant, run)
    assert (counts(run), run.state) == ((7, 7, 0, 0), "done")
    with tenant_scope(tenant):
        assert (Customer.objects.count(), ImportChange.objects.count()) == (7, 7)


def test_items_are_patched_and_undone(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(tenant):
        factories.item("a", name="Apple", category="Fruit", price_minor=100)
    text = "sku,name,category,price,active,colour\na,,Food,1.25,no,red\nb,Bread,Bakery,-2,,\nc,Cake,,3,,\n"
    run = loaded(tenant, "items", text)
    assert (counts(run), run.report["quarantined"]) == ((3, 2, 0, 1), {"price_negative": 1})
    with tenant_scope(tenant):
        apple = Item.objects.get(external_id="a")
        assert (apple.name, apple.category, apple.price_minor, apple.is_active, apple.attributes) == (
            "Apple", "Food", 125, False, {"colour": "red"},
        )  # fmt: skip
        wizard.start_undo(run=run, by=SYSTEM, at=NOW)
    run_job("crm.undo_import", tenant, run)
    assert run.undo_report == {"retired": 1, "restored": 1}
    with tenant_scope(tenant):
        apple = Item.objects.get(external_id="a")
        assert not Item.objects.get(external_id="c").is_active
        assert (apple.category, apple.price_minor, apple.is_active, apple.attributes) == (
            "Fruit",
            100,
            True,
            {},
        )


def test_a_plan_names_its_faults(tenant: Tenant) -> None:
    run = uploaded(tenant, "customers", "a,b\n1,2\n")
    columns = [
        {"source": "a", "target": "person.city"},
        {"source": "b", "target": "person.city", "zone": "Mars/Olympus"},
        {"source": "z", "target": "nonsense"},
    ]
    with pytest.raises(PlanInvalid) as caught:
        mapped(tenant, run, columns={}, zone="Nowhere")
    with tenant_scope(tenant), pytest.raises(PlanInvalid) as caught:
        wizard.choose_plan(run=run, plan={"columns": columns}, by=SYSTEM, at=NOW)
    assert {(each.pointer, each.code) for each in caught.value.errors} == {
        ("/columns/1/zone", "unknown_zone"),
        ("/columns/2/source", "unknown_column"),
        ("/columns/2/target", "unknown_field"),
        ("/columns", "field_twice"),
        ("/columns", "one_of_missing"),
    }
    with tenant_scope(tenant), pytest.raises(PlanInvalid) as caught:
        wizard.choose_plan(run=run, plan={"columns": [{"source": 1}]}, by=SYSTEM, at=NOW)
    assert [each.pointer for each in caught.value.errors] == ["/columns/0/source"]


def test_steps_are_taken_in_their_order_and_by_those_who_may(tenant: Tenant) -> None:
    run = uploaded(tenant, "customers", "customer id\nc1\n")
    nobody = Actor(kind=ActorKind.USER, label="nobody")
    with tenant_scope(tenant):
        for step in (wizard.start_check, wizard.start_load, wizard.start_undo, wizard.retry_failed):
            with pytest.raises(WrongState):
                step(run=run, by=SYSTEM, at=NOW)
            with pytest.raises(PermissionRefused):
                step(run=run, by=nobody, at=NOW)
        with pytest.raises(PermissionRefused):
            wizard.upload(kind="customers", file_name="x", chunks=[b"a\n1\n"], by=nobody, at=NOW)
    run = mapped(tenant, run)
    with tenant_scope(tenant):
        wizard.start_check(run=run, by=SYSTEM, at=NOW)
        with pytest.raises(WrongState, match="job"):
            wizard.start_check(run=run, by=SYSTEM, at=NOW)


def test_a_refused_file_leaves_nothing(tenant: Tenant, settings: Any) -> None:
    with pytest.raises(UnreadableFile):
        uploaded(tenant, "customers", b"PK\x03\x04garbage", "book.xlsx")
    with tenant_scope(tenant):
        assert ImportRun.objects.count() == 0
    assert [path for path in settings.PRIVATE_FILES_ROOT.rglob("*") if path.is_file()] == []
