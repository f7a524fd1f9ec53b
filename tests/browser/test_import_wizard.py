"""A messy file through the whole wizard, in a real browser: upload, map, check, load, correct, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from crm.models import Customer, Person
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Job, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import jobs, memberships
from tests.browser.test_tour import EMAIL, PASSWORD, WALKS, Watch, check_layout, sign_in
from tests.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "platform"])]
MESSY = (
    "客户编号;邮箱;姓名;城市;生日;等级\r\n"
    "c1;Ann@Example.com;Ann;Leeds;03/02/1990;gold\r\n"
    'c2;bob@example.com;"Bob; the second";;;=1+1\r\n'
    "c3;not an address;Carl;;;\r\n"
    "c1;Ann@Example.com;Ann;Leeds;03/02/1990;gold\r\n"
).encode("gb18030")


@pytest.fixture
def site(live_server: Any, tenant: Tenant, actor: Actor, settings: Any, tmp_path: Path) -> str:
    settings.PRIVATE_FILES_ROOT = tmp_path / "private"
    with tenant_scope(tenant):
        owner = User.objects.create_user(email=EMAIL, password=PASSWORD, name="Robin Vale")
        memberships.add(user=owner, role=Role.OWNER, by=actor, at=NOW)
    return f"{live_server.url}/t/{tenant.slug}"


def work(tenant: Tenant) -> None:
    """What a worker would do meanwhile."""
    with tenant_scope(tenant):
        waiting = list(Job.objects.filter(state=Job.State.QUEUED).values_list("pk", flat=True))
    for job_id in waiting:
        ended = jobs.run(tenant_id=tenant.pk, job_id=job_id)
        assert ended is not None
        assert ended.state == Job.State.SUCCEEDED, ended.error


def upload(page: Page, site: str, file: Path) -> None:
    page.goto(f"{site}/imports/new/")
    check_layout(page, "upload")
    page.set_input_files("input[type=file]", file)
    page.click("form[data-uploads] button.b-primary")
    page.wait_for_url("**/map/")


@pytest.mark.parametrize("walk", ["light", "phone", "chinese"])
def test_a_messy_file(walk: str, browser: Browser, site: str, tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "客户.csv"
    file.write_bytes(MESSY)
    context = browser.new_context(**WALKS[walk], accept_downloads=True)  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page)
    sign_in(page, site.partition("/t/")[0], EMAIL, PASSWORD)
    upload(page, site, file)
    assert page.locator("select[name=columns-1-target]").input_value() == "person.email"
    assert page.locator("select[name=columns-5-target]").input_value() == "attribute.等级"
    page.wait_for_selector("#preview .b-badge")
    # Choosing two columns for one field is told at once, and keeps the file from being checked.
    page.select_option("select[name=columns-5-target]", "person.city")
    page.wait_for_selector("#preview .b-bad-text")
    page.select_option("select[name=columns-5-target]", "attribute.等级")
    page.wait_for_selector("#preview table")
    check_layout(page, "map")
    page.keyboard.press("Tab")
    page.click("#map-form button.b-primary")
    page.wait_for_selector("#progress")
    work(tenant)
    page.wait_for_selector("dl .b-kpi")
    assert page.locator("dl dd.b-value").all_inner_texts() == ["2", "0", "1", "1"]
    check_layout(page, "checked")
    page.click(".b-head-actions button.b-primary")
    page.wait_for_selector("#progress")
    work(tenant)
    page.wait_for_selector(".b-equation")
    check_layout(page, "loaded")
    with page.expect_download() as download:
        page.click("a[download]")
    failed = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert failed.splitlines()[1].startswith("c3,not an address,Carl")
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(failed.replace("not an address", "carl@example.com"), encoding="utf-8-sig")
    with tenant_scope(tenant):
        assert sorted(Customer.objects.values_list("external_id", flat=True)) == ["c1", "c2"]
        assert Person.objects.get(customer__external_id="c2").given_name == "Bob; the second"
    page.click("[data-opens=undo]")
    page.click("dialog[open] .b-danger")
    page.wait_for_selector("#progress")
    work(tenant)
    page.wait_for_selector(".b-facts")
    with tenant_scope(tenant):
        assert Customer.objects.count() == 0
    upload(page, site, corrected)
    assert page.locator("select[name=columns-1-target]").input_value() == "person.email"
    page.goto(f"{site}/imports/")
    check_layout(page, "history")
    assert page.locator("#list tbody tr").count() == 2
    assert watch.complaints == []
    context.close()
