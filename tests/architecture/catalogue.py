"""What the database itself says about isolation, read from pg_catalog."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections

from tenants.models import GLOBAL_MODELS
from tenants.models.base import TenantModel
from tenants.operations import POLICY

# Functions that run with their owner's rights. Each is here because somebody read it.
SECURITY_DEFINER_ALLOWED = {
    "tenants_find_api_key",
    "tenants_memberships_of",
    # Empties what the append-only audit log says of erased customers; reads the tenant itself.
    "tenants_redact_customer_audit",
    # Prefix and substring search through indexes that row-level security would keep the planner from using.
    "crm_search_customers",
    # Partitions and statistics belong to the owner; the application may only ask for them.
    "crm_ensure_event_partitions",
    "crm_move_stray_events",
    "crm_drop_empty_event_partitions",
    "crm_analyze_loaded_tables",
    "rewards_analyze_coupons",
    "rewards_analyze_ledger",
    # The only writers of the ledger. Their owner is under forced row-level security like everybody.
    "rewards_activate",
    "rewards_cancel_pending",
    "rewards_capture_hold",
    "rewards_close_hold",
    "rewards_expire",
    "rewards_extend",
    "rewards_keep_alive",
    "rewards_merge",
    "rewards_open_hold",
    "rewards_post",
    "rewards_post_batch",
    "rewards_release",
    "rewards_restore",
    "rewards_take_back",
    "rewards_take_back_batch",
    "rewards_transfer",
    "rewards_unmerge",
}
FRAMEWORK_APPS = {"admin", "auth", "contenttypes", "sessions", "account", "mfa", "axes"}


def rows(query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(query, parameters or [])
        return list(cursor.fetchall())


def _normalised(expression: str | None) -> str:
    return (expression or "").replace("(", "").replace(")", "").replace("::text", "").replace(" ", "")


def findings() -> list[str]:
    """Return every fault of isolation in the database and in the models; empty is the only good answer."""
    return [
        *_model_findings(),
        *_table_findings(),
        *_unique_findings(),
        *_foreign_key_findings(),
        *_relation_findings(),
        *_function_findings(),
        *_role_findings(),
    ]


def _model_findings() -> list[str]:
    return [
        f"{model._meta.label} is neither a TenantModel nor in GLOBAL_MODELS"
        for model in apps.get_models()
        if model._meta.app_label not in FRAMEWORK_APPS
        and not issubclass(model, TenantModel)
        and not any(field.name == "tenant" for field in model._meta.fields)
        and model._meta.label not in GLOBAL_MODELS
    ]


def tenant_tables() -> list[str]:
    return [
        name
        for (name,) in rows(
            """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND c.relnamespace = 'public'::regnamespace ORDER BY 1"""
        )
    ]


def _table_findings() -> list[str]:
    faults = []
    for table in tenant_tables():
        ((enabled, forced),) = rows(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [table]
        )
        if not (enabled and forced):
            faults.append(f"{table}: row-level security is not both enabled and forced")
        policies = rows(
            """SELECT polcmd, polpermissive, pg_get_expr(polqual, polrelid),
                      pg_get_expr(polwithcheck, polrelid)
               FROM pg_policy WHERE polrelid = %s::regclass""",
            [table],
        )
        wanted = _normalised(POLICY)
        if [(c, p, _normalised(q), _normalised(w)) for c, p, q, w in policies] != [
            ("*", True, wanted, wanted)
        ]:
            faults.append(f"{table}: the policies are not exactly ours: {policies}")
    return faults


def _unique_findings() -> list[str]:
    return [
        f"{table}: unique index {index} does not start with the tenant"
        for table, index, first in rows(
            """SELECT t.relname, i.relname, a.attname
               FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
               LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
               WHERE x.indisunique AND t.relname = ANY(%s)""",
            [tenant_tables()],
        )
        if first != "tenant_id"
    ]


def _foreign_key_findings() -> list[str]:
    tables = tenant_tables()
    return [
        f"{table}: foreign key {name} to {target} does not contain the tenant"
        for table, name, target, columns in rows(
            """SELECT c.conrelid::regclass::text, c.conname, c.confrelid::regclass::text,
                      (SELECT array_agg(a.attname::text) FROM pg_attribute a
                       WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey))
               FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY(%s)
               AND c.confrelid::regclass::text = ANY(%s)""",
            [tables, tables],
        )
        if "tenant_id" not in columns
    ]


def _relation_findings() -> list[str]:
    views = rows(
        """SELECT relname, relkind, coalesce(array_to_string(reloptions, ','), '') FROM pg_class
           WHERE relkind IN ('m', 'v') AND relnamespace = 'public'::regnamespace
           AND relname NOT LIKE 'pg_stat%%'"""
    )
    partitions = rows(
        """SELECT c.relname, g.grantee FROM pg_class c
           JOIN information_schema.role_table_grants g ON g.table_name = c.relname
           WHERE c.relispartition AND g.grantee IN ('app_rw', 'PUBLIC')"""
    )
    return [
        *(f"{name}: materialised views leak" for name, kind, _ in views if kind == "m"),
        *(
            f"{name}: the view is not security_invoker"
            for name, kind, options in views
            if kind == "v" and "security_invoker=true" not in options
        ),
        *(f"{name}: partition can be queried directly by {grantee}" for name, grantee in partitions),
    ]


def _function_findings() -> list[str]:
    functions = rows(
        """SELECT p.proname, coalesce(array_to_string(p.proconfig, ','), '') FROM pg_proc p
           WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"""
    )
    return [
        *(
            f"{name}: SECURITY DEFINER is not on the list"
            for name, _ in functions
            if name not in SECURITY_DEFINER_ALLOWED
        ),
        *(f"{name}: search_path is not pinned" for name, config in functions if "search_path=" not in config),
    ]


def _role_findings() -> list[str]:
    faults = []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        name, *powers = cursor.fetchone()
    if name != "app_rw" or any(powers):
        faults.append(f"the application is connected as {name} with {powers}")
    for (table,) in rows(
        """SELECT table_name FROM information_schema.role_table_grants
           WHERE grantee = 'app_rw' AND privilege_type = 'TRUNCATE'"""
    ):
        faults.append(f"{table}: app_rw may TRUNCATE")
    return faults
