"""Signing up: who is not known yet asks for a tenant, and gets it once the e-mail address is confirmed.

What is asked for is a row until then, found by a signed link that ends after a day. Whoever asks learns
nothing about other people: the answer is the same whether the address has an account or not, and the rest
goes by e-mail to the address. The link alone opens nothing: the password has to be typed again, so that
nobody gets an account with somebody else's password by clicking, and nothing is opened by a mail scanner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from tenants.domain.actors import Actor, ActorKind
from tenants.errors import Conflict, DomainError, FieldError, InvalidInput, NotFound
from tenants.locks import lock_sign_up
from tenants.models import SignUp, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import audit, tenants
from tenants.services.attempt_counts import AttemptCounts
from tenants.services.tenants import Particulars

LINK_HOURS: Final = 24
MOST_BY_CLIENT: Final = 20
MOST_MAILS: Final = 3
MOST_PASSWORDS: Final = 10
_HOUR_SECONDS: Final = 3600
_SALT: Final = "tenants.sign_up"
_log = structlog.get_logger(__name__)
_counts = AttemptCounts(settings.GUESS_STORAGE_URL)


class LinkNotValid(NotFound):
    code = "link_not_valid"
    title = "The link is wrong or too old"


class AccountExists(Conflict):
    code = "account_exists"
    title = "This e-mail address has an account already"


class TooManySignUps(DomainError):
    code = "too_many_sign_ups"
    status = 429
    title = "Too many attempts; try again later"


class MailUnavailable(DomainError):
    code = "mail_unavailable"
    status = 503
    title = "The e-mail could not be sent"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a confirmed sign-up has led to."""

    owner: User
    tenant: Tenant


def request(
    *, email: str, password: str, particulars: Particulars, client: str, sign_in: str,
    link: Callable[[str], str], at: datetime,
) -> None:  # fmt: skip
    """Keep what somebody asks for and send a link to the address, or a note that it has an account already.

    ``link`` makes the address of the page that confirms from a token; ``sign_in`` is that of signing in.
    Raises ``InvalidInput``, ``TooManySignUps`` (by ``client``, an address) and ``MailUnavailable``.
    Of the mails to one address no more than three an hour are sent; the answer is the same.
    """
    _count("client", client, MOST_BY_CLIENT)
    email = email.strip().lower()
    _check(email, password, particulars)
    # Also hashed where it is not needed, so that the time tells nothing.
    row = SignUp(email=email, password=make_password(password), created_at=at, **asdict(particulars))
    user = User.objects.filter(email__iexact=email).first()
    if _added("mail", email) > MOST_MAILS:
        return
    if user is not None:
        _send("account_exists", _("You have an account already"), email, sign_in=sign_in)
        return
    row.save()
    _send(
        "sign_up", _("Confirm your e-mail address"), email,
        link=link(_signer().sign(row.public_id.hex)), name=row.name, hours=LINK_HOURS,
    )  # fmt: skip


def asked_for(*, token: str, at: datetime) -> SignUp:
    """Return what a link is about. Raises ``LinkNotValid``."""
    row = SignUp.objects.filter(public_id=_public_id(token)).first()
    return _in_time(row, at)


@transaction.atomic
def confirm(*, token: str, password: str, slug: str, client: str, request_id: str, at: datetime) -> Opened:
    """Make the person and open the tenant, which may get another ``slug``. Safe to repeat.

    Raises ``LinkNotValid``, ``InvalidInput`` for a wrong password or slug, ``SlugTaken``, ``AccountExists``
    when the address got one in the meantime, and ``TooManySignUps`` after ten wrong passwords.
    """
    row = _in_time(lock_sign_up(_public_id(token)), at)
    if _counts.get(_key("password", row.public_id.hex)) >= MOST_PASSWORDS:
        raise TooManySignUps
    user = User.objects.filter(email__iexact=row.email).first()
    if row.confirmed_at is not None:
        return _again(row, user, password)
    if not check_password(password, row.password):
        raise _wrong_password(row)
    if user is not None:
        raise AccountExists
    owner = _person(row)
    by = Actor(kind=ActorKind.USER, id=owner.pk, label=owner.email, address=client, request_id=request_id)
    names = ("name", "time_zone", "currency", "locale", "vertical")
    particulars = Particulars(slug=slug, **{name: getattr(row, name) for name in names})
    tenant = tenants.open_owned(owner=owner, particulars=particulars, by=by, at=at)
    with tenant_scope(tenant):
        audit.record(action="tenant.signed_up", target=tenant, by=by, at=at)
    row.slug, row.confirmed_at, row.password = tenant.slug, at, ""
    row.save(update_fields=["slug", "confirmed_at", "password"])
    return Opened(owner, tenant)


def purge(*, at: datetime) -> int:
    """Forget the sign-ups whose link has ended; returns how many."""
    gone, _by_model = SignUp.objects.filter(created_at__lte=at - timedelta(hours=LINK_HOURS)).delete()
    return gone


def _again(row: SignUp, user: User | None, password: str) -> Opened:
    """Answer a form that was sent twice as the first time."""
    tenant = Tenant.objects.active().filter(slug=row.slug).first()
    if user is None or tenant is None:
        raise LinkNotValid
    if not user.is_active or not user.check_password(password):
        raise _wrong_password(row)
    return Opened(user, tenant)


def _person(row: SignUp) -> User:
    try:
        with transaction.atomic():
            user: User = User.objects.create(email=row.email, password=row.password)
    except IntegrityError as error:
        raise AccountExists from error
    return user


def _wrong_password(row: SignUp) -> InvalidInput:
    _added("password", row.public_id.hex)
    wrong = FieldError("/password", "wrong_password", "This is not the password of the sign-up.")
    return InvalidInput(errors=[wrong])


def _check(email: str, password: str, particulars: Particulars) -> None:
    """Raise ``InvalidInput``. Whether the slug is free is told when the address is confirmed."""
    tenants.check_new(Tenant(**asdict(particulars)))
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise InvalidInput(errors=[FieldError("/password", "invalid", " ".join(error.messages))]) from error


def _signer() -> Signer:
    return Signer(salt=_SALT, sep=".")


def _public_id(token: str) -> UUID:
    try:
        return UUID(hex=_signer().unsign(token))
    except (BadSignature, ValueError) as error:
        raise LinkNotValid from error


def _in_time(row: SignUp | None, at: datetime) -> SignUp:
    if row is None or at >= row.created_at + timedelta(hours=LINK_HOURS):
        raise LinkNotValid
    return row


def _count(kind: str, name: str, most: int) -> None:
    if _added(kind, name) > most:
        raise TooManySignUps


def _added(kind: str, name: str) -> int:
    return _counts.add(_key(kind, name), 1, ttl_seconds=_HOUR_SECONDS)


def _key(kind: str, name: str) -> str:
    # Keyed, so that the store tells nobody's address.
    return f"sign-up:{kind}:{salted_hmac(_SALT, name).hexdigest()[:32]}"


def _send(template: str, subject: str, email: str, **context: object) -> None:
    body = render_to_string(f"mail/{template}.txt", context)
    try:
        send_mail(subject, body, None, [email])
    except (SMTPException, OSError) as error:
        _log.exception("sign_ups.mail_unavailable")
        raise MailUnavailable from error
