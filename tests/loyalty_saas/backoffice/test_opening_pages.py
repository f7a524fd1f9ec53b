"""The pages on which tenants are opened: by who is signed in, and by signing up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import SignUp, Tenant, User
from tenants.services import sign_ups
from tenants.services.attempt_counts import AttemptCounts
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
NEW, SIGN_UP = "/tenants/new/", "/signup/"
NOVUM = {
    "name": "Novum", "slug": "novum", "suggested": "novum", "time_zone": "Asia/Shanghai", "currency": "CNY",
    "locale": "zh-hans", "vertical": "education",
}  # fmt: skip
PASSWORD = "correct horse battery"
PERSON = {"email": "mei@novum.example.com", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture(autouse=True)
def _open(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OWNERS_OPEN_TENANTS = settings.SIGNUP_OPEN = True
    monkeypatch.setattr(sign_ups, "_counts", AttemptCounts("memory://"))


def link() -> str:
    found = re.search(r"https?://testserver(/signup/confirm/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def test_an_owner_goes_from_the_chooser_to_the_first_steps(tenant: Tenant, staff: Client) -> None:
    assert NEW in staff.get("/?choose=1").content.decode()
    assert staff.get(NEW).status_code == 200
    answer = staff.post(NEW, NOVUM)
    assert answer["Location"] == "/t/novum/onboarding/"
    page = staff.get("/t/novum/onboarding/")
    assert page.context["presets"].initial["preset"] == "education"
    assert "Novum" in page.content.decode()
    # The same form once more, and the chooser, which has two tenants now.
    assert staff.post(NEW, NOVUM)["Location"] == "/t/novum/onboarding/"
    assert [row.slug for row, _role in staff.get("/").context["choices"]] == ["acme", "novum"]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_other_roles_are_refused(role: Role, tenant: Tenant, actor: Actor) -> None:
    client = signed_in(tenant, actor, role)
    assert NEW not in client.get("/?choose=1").content.decode()
    assert [client.get(NEW).status_code, client.post(NEW, NOVUM).status_code] == [403, 403]
    assert client.get(f"{NEW}slug/?name=Acme").content.decode().count('value="acme"') == 2
    assert Tenant.objects.count() == 1


def test_owners_are_refused_where_it_is_not_allowed(staff: Client, settings: Any) -> None:
    settings.OWNERS_OPEN_TENANTS = settings.SIGNUP_OPEN = False
    answers = [staff.get(NEW), staff.post(NEW, NOVUM), staff.get(f"{NEW}slug/?name=Acme")]
    assert [answer.status_code for answer in answers] == [403, 403, 404]
    assert Tenant.objects.count() == 1


def test_an_operator_opens_the_first_tenant(db: None, settings: Any) -> None:
    settings.OWNERS_OPEN_TENANTS = False
    client = Client()
    operator = User.objects.create_user(email="op@example.com", is_operator=True)
    client.force_login(operator, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "You can open the first one." in client.get("/").content.decode()
    assert client.post(NEW, NOVUM)["Location"] == "/t/novum/onboarding/"


def test_who_is_not_signed_in_signs_in_first(db: None) -> None:
    for answer in (Client().get(NEW), Client().post(NEW, NOVUM)):
        assert answer["Location"] == f"/accounts/login/?next={NEW}"
    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "acme"), ("slug", "admin"), ("slug", "A B"), ("slug", "a" * 64), ("slug", "no\0vum"),
        ("slug", ""), ("name", ""), ("name", "x" * 201), ("name", "\0"), ("time_zone", "../etc/passwd"),
        ("time_zone", "Mars/Base"), ("time_zone", "right/UTC"), ("currency", "ABC"), ("currency", "eur"),
        ("locale", "x"), ("vertical", "mining"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_beside_it(tenant: Tenant, staff: Client, field: str, value: str) -> None:
    answer = staff.post(NEW, {**NOVUM, field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert Tenant.objects.count() == 1


def test_the_address_follows_the_name_until_somebody_chooses_one(tenant: Tenant, staff: Client) -> None:
    def field(client: Client, **query: str) -> str:
        return client.get(f"{NEW}slug/", query).content.decode()

    assert 'value="acme-2"' in field(staff, name="Acme")
    assert 'value="novum"' in field(staff, name="Novum", slug="acme-2", suggested="acme-2")
    kept = field(staff, name="Novum", slug="mine", suggested="novum")
    assert 'value="mine"' in kept
    assert "/t/mine/ is free." in kept
    assert "Another tenant has this address already" in field(staff, name="X", slug="acme", suggested="x")
    assert "kept for the platform" in field(staff, name="X", slug="admin", suggested="x")
    # Strangers learn nothing about who is there.
    assert 'value="acme"' in field(Client(), name="Acme")
    told = field(Client(), name="X", slug="acme", suggested="x")
    assert not re.search("has this address|is free", told)


def test_signing_up_is_closed_unless_it_is_open(db: None, settings: Any) -> None:
    assert SIGN_UP in Client().get("/accounts/login/").content.decode()
    settings.SIGNUP_OPEN = False
    client = Client()
    paths = (SIGN_UP, f"{SIGN_UP}sent/", f"{SIGN_UP}confirm/x/", f"{NEW}slug/?name=x")
    assert [client.get(path).status_code for path in paths] == [404] * 4
    assert client.post(SIGN_UP, {**NOVUM, **PERSON}).status_code == 404
    assert SIGN_UP not in client.get("/accounts/login/").content.decode()
    assert (len(mail.outbox), SignUp.objects.count()) == (0, 0)


def test_a_stranger_signs_up_and_lands_in_the_first_steps(tenant: Tenant) -> None:
    client = Client()
    assert client.get(SIGN_UP).status_code == 200
    assert client.post(SIGN_UP, {**NOVUM, **PERSON})["Location"] == f"{SIGN_UP}sent/"
    # Opening the link changes nothing: a mail scanner may.
    for _ in range(2):
        shown = client.get(link())
        assert (shown.status_code, shown.context["form"].initial["slug"]) == (200, "novum")
    assert not Tenant.objects.filter(slug="novum").exists()
    body = {"password": PASSWORD, "slug": "novum"}
    for _ in range(2):
        assert client.post(link(), body)["Location"] == "/t/novum/onboarding/"
    assert client.get("/t/novum/onboarding/").context["presets"].initial["preset"] == "education"
    assert client.get("/t/acme/").status_code == 404
    # Another browser with the used link is led to signing in.
    assert Client().get(link())["Location"] == "/accounts/login/"
    assert (User.objects.count(), Tenant.objects.count()) == (1, 2)


def test_a_link_alone_and_a_wrong_password_open_nothing(db: None) -> None:
    client = Client()
    client.post(SIGN_UP, {**NOVUM, **PERSON})
    refused = client.post(link(), {"password": "somebody else's", "slug": "novum"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["password"])
    assert client.get(f"{SIGN_UP}confirm/0.x/").status_code == 404
    assert client.post(f"{SIGN_UP}confirm/0.x/", {"password": PASSWORD, "slug": "novum"}).status_code == 404
    assert not Tenant.objects.exists()
    assert "_auth_user_id" not in client.session


def test_an_address_taken_meanwhile_is_chosen_anew(tenant: Tenant) -> None:
    client = Client()
    client.post(SIGN_UP, {**NOVUM, **PERSON, "slug": "acme"})
    refused = client.post(link(), {"password": PASSWORD, "slug": "acme"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (409, ["slug"])
    assert (
        client.post(link(), {"password": PASSWORD, "slug": "acme-2"})["Location"] == "/t/acme-2/onboarding/"
    )


def test_the_answer_is_the_same_whoever_has_an_account(tenant: Tenant, staff: Client) -> None:
    def answer(email: str) -> tuple[int, str, bytes]:
        client = Client()
        sent = client.post(SIGN_UP, {**NOVUM, **PERSON, "email": email})
        after = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", client.get(sent["Location"]).content)
        return sent.status_code, sent["Location"], after

    assert answer("owner@acme.example.com") == answer("nobody@acme.example.com")
    assert [message.to for message in mail.outbox] == [
        ["owner@acme.example.com"],
        ["nobody@acme.example.com"],
    ]
    assert "confirm" not in str(mail.outbox[0].body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"again": "another horse battery"}, "again"),
        ({"password": "12345678", "again": "12345678"}, "password"),
        ({"email": "nobody"}, "email"), ({"email": "a@b.c\r\nBcc: x@y.z"}, "email"),
        ({"slug": "api"}, "slug"), ({"time_zone": "posix/UTC"}, "time_zone"),
    ],
)  # fmt: skip
def test_a_wrong_sign_up_is_told_by_field(db: None, change: dict[str, str], field: str) -> None:
    answer = Client().post(SIGN_UP, {**NOVUM, **PERSON, **change})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert PASSWORD not in answer.content.decode()
    assert (len(mail.outbox), SignUp.objects.count()) == (0, 0)


def test_too_many_sign_ups_of_a_client_wait(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ups, "MOST_BY_CLIENT", 1)
    found = [Client().post(SIGN_UP, {**NOVUM, **PERSON}).status_code for _ in range(2)]
    assert found == [302, 429]
