"""The two demonstration tenants and the people who may sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loyalty_saas.demo.credentials import Credentials
from loyalty_saas.demo.summary import SignIn
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import api_keys, memberships, tenants

GROCER_SLUG = "journey-grocer"
SANDBOX_SLUG = "sandbox-shop"


@dataclass(frozen=True, slots=True)
class Person:
    """A demonstration user and where they belong."""

    email: str
    name: str
    role: Role
    slugs: tuple[str, ...]


PEOPLE = (
    Person("owner@grocer.example.com", "Grace Owner", Role.OWNER, (GROCER_SLUG,)),
    Person("owner@sandbox.example.com", "Sam Founder", Role.OWNER, (SANDBOX_SLUG,)),
    Person("manager@agency.example.com", "Alex Account", Role.ADMIN, (GROCER_SLUG, SANDBOX_SLUG)),
    Person("analyst@grocer.example.com", "Ana Lyst", Role.ANALYST, (GROCER_SLUG,)),
    Person("support@grocer.example.com", "Sue Port", Role.SUPPORT, (GROCER_SLUG,)),
)


def open_tenants(*, by: Actor, at: datetime) -> tuple[Tenant, Tenant]:
    """The Grocer and the Sandbox, opened on the first run."""
    grocer = _find(GROCER_SLUG) or tenants.create(
        slug=GROCER_SLUG,
        name="Journey Grocer",
        time_zone="America/New_York",
        currency="USD",
        locale="en",
        by=by,
        at=at,
    )
    sandbox = _find(SANDBOX_SLUG) or tenants.create(
        slug=SANDBOX_SLUG,
        name="Sandbox Shop",
        time_zone="Europe/Berlin",
        currency="EUR",
        locale="en",
        by=by,
        at=at,
    )
    return grocer, sandbox


def admit_people(password: str, *, by: Actor, at: datetime) -> list[SignIn]:
    """Make every demonstration user a member; the password is set when it is not theirs already."""
    tenant_by_slug = {tenant.slug: tenant for tenant in Tenant.objects.all()}
    for person in PEOPLE:
        user = User.objects.filter(email=person.email).first()
        user = user or User.objects.create_user(email=person.email, name=person.name)
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        for slug in person.slugs:
            _admit(user, person.role, tenant_by_slug[slug], by, at)
    return [
        SignIn(
            person.email,
            password,
            person.role.value,
            tuple(tenant_by_slug[slug].name for slug in person.slugs),
        )
        for person in PEOPLE
    ]


def ensure_api_key(tenant: Tenant, credentials: Credentials, *, by: Actor, at: datetime) -> Credentials:
    """Keep the key of the last run while it is valid, else make a new one."""
    with tenant_scope(tenant):
        digest = api_keys.digest(credentials.api_key)
        if ApiKey.objects.filter(digest=digest, revoked_at__isnull=True).exists():
            return credentials
        _, text = api_keys.create(name="Demonstration", kind=ApiKey.Kind.SECRET, by=by, at=at)
    return credentials.with_api_key(text)


def _find(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()


def _admit(user: User, role: Role, tenant: Tenant, by: Actor, at: datetime) -> None:
    with tenant_scope(tenant):
        if not Membership.objects.filter(user=user).exists():
            memberships.add(user=user, role=role, by=by, at=at)
