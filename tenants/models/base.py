"""Base classes of every table that belongs to a tenant: the first of the two walls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar, cast
from uuid import UUID

import uuid_utils
from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from tenants.scope import TenantScopeRequired, active_tenant_id

_M = TypeVar("_M", bound=models.Model)


def new_public_id() -> UUID:
    """Return a UUIDv7: time-ordered, so its index stays compact, and telling nothing about counts."""
    return UUID(int=uuid_utils.uuid7().int)


class TenantQuerySet(models.QuerySet[_M]):
    """Adds the scope's tenant to what is written in bulk; chainable filters of a model subclass this."""

    def bulk_create(self, objs: Iterable[_M], *args: Any, **kwargs: Any) -> list[_M]:
        instances = list(objs)
        for instance in instances:
            claim_tenant(instance)
        return super().bulk_create(instances, *args, **kwargs)


def claim_tenant(instance: models.Model) -> None:
    """Give ``instance`` the scope's tenant, or raise when it already has another one."""
    tenant_id = active_tenant_id()
    present = getattr(instance, "tenant_id", None)
    if present is None:
        instance.tenant_id = tenant_id  # type: ignore[attr-defined]  # every TenantModel has it
    elif present != tenant_id:
        raise TenantScopeRequired(
            f"{type(instance).__name__} of tenant {present} in the scope of tenant {tenant_id}."
        )


class TenantManager(models.Manager[_M]):
    """Adds ``WHERE tenant_id = <active>`` and raises when no scope is open. There is no way around it."""

    _queryset_class = TenantQuerySet

    def get_queryset(self) -> TenantQuerySet[_M]:
        rows = super().get_queryset().filter(tenant_id=active_tenant_id())
        return cast("TenantQuerySet[_M]", rows)

    def none(self) -> TenantQuerySet[_M]:
        """Return no rows, which needs no scope: what a class body or a schema generator asks for."""
        return cast("TenantQuerySet[_M]", TenantQuerySet(self.model, using=self._db).none())


class TenantModel(models.Model):
    """A row of one tenant. The database's primary key is (tenant_id, id); Django sees ``id``."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        editable=False,
        verbose_name=_("tenant"),
    )

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        claim_tenant(self)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        claim_tenant(self)
        return super().delete(*args, **kwargs)


class PublicIdModel(models.Model):
    """Adds the only identifier that leaves the house."""

    public_id = models.UUIDField(_("id"), default=new_public_id, editable=False)

    class Meta:
        abstract = True


def public_id_constraint(table: str) -> models.UniqueConstraint:
    """Return the unique constraint (tenant, public_id) of ``table``."""
    return models.UniqueConstraint(fields=["tenant", "public_id"], name=f"{table}_public_id")


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]  # the stubs' parameters are per instance
    """A reference inside one tenant.

    The database constraint is composite, (tenant_id, x_id), because checks of a plain foreign key ignore
    row-level security and would accept another tenant's row; ``IsolateTenantTable`` creates it. Joins carry
    the tenant too, so that the planner uses the composite keys.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        kwargs.setdefault("related_name", "+")
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        if getattr(self, "db_index", False):
            kwargs["db_index"] = True
        return name, path, args, kwargs

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> Any:
        # Django calls it with (alias of the table joined to, alias of this model's table); one is None
        # where it has trimmed that table away.
        if alias is None or related_alias is None:
            return None
        theirs = cast("models.Field[Any, Any]", self.remote_field.model._meta.get_field("tenant"))
        mine = cast("models.Field[Any, Any]", self.model._meta.get_field("tenant"))
        return Exact(Col(alias, theirs), Col(related_alias, mine))
