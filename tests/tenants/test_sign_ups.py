"""Signing up: nothing is opened before the address is confirmed, and nothing is told about other people."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail

from tenants import tasks
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Membership, SignUp, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import sign_ups
from tenants.services.attempt_counts import AttemptCounts
from tenants.services.sign_ups import AccountExists, LinkNotValid, MailUnavailable, Opened, TooManySignUps
from tenants.services.tenants import Particulars, SlugTaken
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NOVUM = Particulars(
    slug="novum", name="Novum & Co", time_zone="Asia/Shanghai", currency="CNY", vertical="finance"
)
DAY = timedelta(hours=sign_ups.LINK_HOURS)


@pytest.fixture(autouse=True)
def _fresh_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ups, "_counts", AttemptCounts("memory://"))


def ask(email: str = "Mei@Novum.example.com", client: str = "192.0.2.1", **more: Any) -> str:
    """Sign up; return the token that came by e-mail, or nothing when another kind of mail came."""
    sign_ups.request(
        email=email, password=more.pop("password", PASSWORD), client=client, sign_in="http://x/sign-in/",
        link=lambda token: f"http://x/confirm/{token}/", at=NOW,
        particulars=replace(NOVUM, **more),
    )  # fmt: skip
    found = re.search(r"/confirm/(\S+)/", str(mail.outbox[-1].body)) if mail.outbox else None
    return found[1] if found else ""


def confirm(token: str, password: str = PASSWORD, slug: str = "novum", at: datetime = NOW) -> Opened:
    return sign_ups.confirm(
        token=token, password=password, slug=slug, client="192.0.2.1", request_id="r", at=at
    )


def test_the_link_and_the_password_open_a_tenant(other_tenant: Tenant) -> None:
    token = ask()
    assert (mail.outbox[0].to, "Novum & Co" in mail.outbox[0].body) == (["mei@novum.example.com"], True)
    assert PASSWORD not in str(vars(SignUp.objects.get()))
    assert (User.objects.count(), Tenant.objects.count()) == (0, 1)
    assert sign_ups.asked_for(token=token, at=NOW).email == "mei@novum.example.com"

    opened = confirm(token)
    assert opened.owner.check_password(PASSWORD)
    assert (opened.tenant.slug, opened.tenant.vertical, opened.tenant.currency) == ("novum", "finance", "CNY")
    with tenant_scope(opened.tenant):
        assert list(Membership.objects.values_list("user", "role")) == [(opened.owner.pk, "owner")]
        actions = AuditEntry.objects.order_by("id").values_list("action", "actor_id", "address")
        assert list(actions) == [
            (action, opened.owner.pk, "192.0.2.1")
            for action in ("tenant.created", "membership.added", "tenant.signed_up")
        ]
    row = SignUp.objects.get()
    assert (row.confirmed_at, row.password) == (NOW, "")


def test_a_second_click_and_a_second_submit_change_nothing() -> None:
    token = ask()
    first, again = confirm(token), confirm(token, slug="elsewhere")
    assert (first.owner, first.tenant) == (again.owner, again.tenant)
    assert (User.objects.count(), Tenant.objects.count()) == (1, 1)
    with pytest.raises(InvalidInput):
        confirm(token, "something else entirely")


def test_a_wrong_password_opens_nothing_and_is_not_guessed() -> None:
    token = ask()
    for _ in range(sign_ups.MOST_PASSWORDS):
        with pytest.raises(InvalidInput) as refused:
            confirm(token, "not the password")
        assert [(error.pointer, error.code) for error in refused.value.errors] == [
            ("/password", "wrong_password")
        ]
    with pytest.raises(TooManySignUps):
        confirm(token)
    assert not Tenant.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "a.b", "..", "0" * 32, "é.ü"])
def test_a_link_that_was_not_signed_here_opens_nothing(token: str) -> None:
    genuine = ask()
    with pytest.raises(LinkNotValid):
        confirm(token)
    other = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
    with pytest.raises(LinkNotValid):
        sign_ups.asked_for(token=other, at=NOW)


def test_a_link_ends_after_a_day_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    token = ask()
    almost = NOW + DAY - timedelta(microseconds=1)
    assert sign_ups.asked_for(token=token, at=almost).slug == "novum"
    assert sign_ups.purge(at=almost) == 0
    with pytest.raises(LinkNotValid):
        confirm(token, at=NOW + DAY)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW + DAY)
    tasks.purge_sign_ups()
    assert not SignUp.objects.exists()
    with pytest.raises(LinkNotValid):
        confirm(token)


def test_an_address_with_an_account_gets_a_note_and_nobody_is_told() -> None:
    User.objects.create_user(email="mei@novum.example.com", password=PASSWORD)
    assert ask("MEI@novum.example.com") == ""
    assert "http://x/sign-in/" in mail.outbox[0].body
    assert not SignUp.objects.exists()


def test_an_address_that_got_an_account_meanwhile_signs_in() -> None:
    token = ask()
    User.objects.create_user(email="mei@novum.example.com")
    with pytest.raises(AccountExists):
        confirm(token)
    assert not Tenant.objects.exists()


def test_two_sign_ups_of_one_address_open_one_tenant() -> None:
    first, second = ask(), ask(slug="other")
    confirm(second, slug="other")
    with pytest.raises(AccountExists):
        confirm(first)
    assert list(Tenant.objects.values_list("slug", flat=True)) == ["other"]


def test_a_slug_taken_meanwhile_is_told_and_another_one_chosen(tenant: Tenant) -> None:
    token = ask(slug="acme")
    with pytest.raises(SlugTaken):
        confirm(token, slug="acme")
    assert not User.objects.exists()
    with pytest.raises(InvalidInput):
        confirm(token, slug="admin")
    assert confirm(token, slug="acme-2").tenant.slug == "acme-2"


@pytest.mark.parametrize("password", ["short", "password123", "12345678", "mei@novum.example.com"])
def test_a_poor_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(password=password)
    assert [error.pointer for error in refused.value.errors] == ["/password"]
    assert (SignUp.objects.count(), len(mail.outbox)) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value"), [("slug", "admin"), ("time_zone", "Mars/Base"), ("currency", "ABC"), ("locale", "x")]
)
def test_particulars_that_no_tenant_can_have_are_refused_at_once(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(**{field: value})
    assert [error.pointer for error in refused.value.errors] == [f"/{field}"]


def test_a_client_signs_up_twenty_times_an_hour() -> None:
    for number in range(sign_ups.MOST_BY_CLIENT):
        ask(f"p{number}@novum.example.com")
    with pytest.raises(TooManySignUps):
        ask("late@novum.example.com")
    assert ask("late@novum.example.com", client="192.0.2.2")


def test_an_address_gets_three_mails_an_hour_and_nobody_is_told() -> None:
    for has_account in (False, True):
        address = f"{has_account}@novum.example.com"
        if has_account:
            User.objects.create_user(email=address)
        for _ in range(sign_ups.MOST_MAILS + 2):
            ask(address)
    assert len(mail.outbox) == 2 * sign_ups.MOST_MAILS
    assert SignUp.objects.count() == sign_ups.MOST_MAILS


def test_a_mail_server_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: Any, **_options: Any) -> None:
        raise SMTPServerDisconnected

    monkeypatch.setattr(sign_ups, "send_mail", away)
    with pytest.raises(MailUnavailable):
        ask()
