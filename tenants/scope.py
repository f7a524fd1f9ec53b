"""The tenant scope: the one way by which a piece of work says whose data it may see.

``tenant_scope`` opens a transaction and sets ``app.tenant_id`` in it with ``SET LOCAL``, which is what the
row-level security policies read. ``SET LOCAL`` survives a pooler in transaction mode, cannot leak to the
next user of a pooled connection, and is what a sharded PostgreSQL forwards to its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import structlog
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg import pq

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tenants.postgresql.base import DatabaseWrapper

log = structlog.get_logger(__name__)
_active_tenant_id: ContextVar[int | None] = ContextVar("active_tenant_id", default=None)
_afterwards: ContextVar[tuple[Callable[[], object], ...]] = ContextVar("afterwards", default=())


class TenantScopeRequired(RuntimeError):
    """A tenant's table was touched while no scope, or another tenant's, was open: a programming error."""


def active_tenant_id() -> int:
    """Return the id of the open scope's tenant, or raise ``TenantScopeRequired``."""
    tenant_id = _active_tenant_id.get()
    if tenant_id is None:
        raise TenantScopeRequired("No tenant scope is open: wrap the work in tenant_scope(tenant).")
    return tenant_id


def has_active_tenant() -> bool:
    return _active_tenant_id.get() is not None


def active_tenant() -> Tenant:
    """Return the open scope's tenant (one query by primary key)."""
    from tenants.models import Tenant  # noqa: PLC0415 - the models import this module

    return Tenant.objects.get(pk=active_tenant_id())


def run_afterwards(work: Callable[[], object]) -> None:
    """Do some work once the open scope's transaction has ended, however it ended, in one of its own.

    For what must be written down even though the request that showed it is refused and rolled back. The
    process may die in between, or the work fail, which is logged; then it is lost.
    """
    active_tenant_id()
    _afterwards.set((*_afterwards.get(), work))


def _catch_up(tenant_id: int) -> None:
    """Do what the scope that has just ended left for afterwards."""
    waiting = _afterwards.get()
    if waiting:
        _afterwards.set(())
        try:
            with tenant_scope(tenant_id):
                for work in waiting:
                    work()
        except Exception:
            # The caller's work is committed, or refused with an error of its own: neither becomes this one.
            log.exception("scope.afterwards_failed", tenant_id=tenant_id)


def _set_local(wrapper: DatabaseWrapper, value: str) -> None:
    """Set the tenant for the rest of the transaction."""
    # SET takes no parameters; the value is an integer of ours or empty.
    with wrapper.cursor() as cursor:
        cursor.execute(f"SET LOCAL app.tenant_id = '{value}'")


def _open(wrapper: DatabaseWrapper, tenant_id: int) -> None:
    """Set the tenant, in a transaction that is only beginning together with its first statement."""
    if wrapper.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        _set_local(wrapper, str(tenant_id))
    else:
        # The driver would send its own BEGIN first and wait for it: a fifth of a short posting's time.
        wrapper.open_with("app.tenant_id", str(tenant_id))


@contextmanager
def tenant_scope(tenant: Tenant | int, *, ends_with_call: bool = False) -> Iterator[None]:
    """Open a transaction that sees and writes ``tenant``'s rows only.

    A scope of the same tenant may be opened inside it (as a savepoint); another tenant's may not. When it
    ``ends_with_call``, its first call of a database function is its last statement: the commit travels in the
    same message, and whatever follows in the scope is refused. Inside a larger transaction that ends nothing.
    Raises ``TenantScopeRequired`` on a change of tenant inside an open scope.
    """
    tenant_id = int(tenant if isinstance(tenant, int) else tenant.pk)
    current = _active_tenant_id.get()
    if current is not None and current != tenant_id:
        raise TenantScopeRequired(f"The scope of tenant {current} is open; tenant {tenant_id} must wait.")
    if current == tenant_id:
        with transaction.atomic():
            yield
        return
    # Looked up once: each attribute of Django's thread-local proxy is a search of its own.
    wrapper = cast("DatabaseWrapper", connections[DEFAULT_DB_ALIAS])
    is_inner = wrapper.in_atomic_block
    try:
        with transaction.atomic():
            _open(wrapper, tenant_id)
            if ends_with_call and not is_inner:
                wrapper.end_with_call()
            token = _active_tenant_id.set(tenant_id)
            try:
                yield
            finally:
                _active_tenant_id.reset(token)
                wrapper.forget_opening()
            # Only inside a larger transaction does the setting outlive this block.
            if is_inner and not wrapper.needs_rollback:
                _set_local(wrapper, "")
    finally:
        _catch_up(tenant_id)


def for_each_tenant() -> Iterator[Tenant]:
    """Yield every active tenant with its scope open, one transaction a tenant."""
    from tenants.models import Tenant  # noqa: PLC0415 - the models import this module

    for tenant in Tenant.objects.active().order_by("pk"):
        with tenant_scope(tenant):
            yield tenant


def tenants_with(statement: str, parameters: Mapping[str, Any]) -> list[int]:
    """Return the ids, by a statement over all tenants, of those that have something to do."""
    with connections["platform"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return [int(row[0]) for row in cursor.fetchall()]


def for_tenants_with(statement: str, parameters: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ids of the tenants that have something to do, each with its scope open.

    One transaction a tenant: the cost follows those that the statement finds, not the tenants.
    """
    for tenant_id in tenants_with(statement, parameters):
        with tenant_scope(tenant_id):
            yield tenant_id
