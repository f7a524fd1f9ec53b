"""The import of customers: patch by default, an empty cell keeps what is there."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from crm.domain.identities import normalise_email, normalise_phone
from crm.domain.mappings import CUSTOMER_MAPPINGS, CustomerMapping
from crm.locks import lock_imports
from crm.models import ImportRun, Person
from crm.models.import_run import ImportKind
from crm.services import attribute_definitions, customer_touches, tombstones
from crm.services.imports import records, runs, staging
from crm.services.imports.errors import UnknownMapping
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant_id

_ADD_CUSTOMERS = f"""
WITH {records.LATEST}, added AS (
    INSERT INTO crm_customer
        (tenant_id, public_id, external_id, state, may_profile, attributes, created_at, updated_at)
    SELECT %(tenant)s, crm_new_public_id(), l.external_id, 'active', true, '{{}}', %(at)s, %(at)s
    FROM latest l
    WHERE NOT EXISTS (SELECT FROM crm_identity i WHERE i.tenant_id = %(tenant)s AND i.kind = 'external_id'
                      AND i.value = l.external_id)
      AND NOT {tombstones.EXTERNAL_ID_ERASED.format(value="l.external_id")}
    ORDER BY l.row_number RETURNING id, external_id
)
INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
SELECT %(tenant)s, id, 'external_id', external_id, %(at)s FROM added
"""  # noqa: S608 - joined from constants
_FIND = f"""
CREATE TEMPORARY TABLE staged_customer ON COMMIT DROP AS
WITH {records.LATEST}
SELECT i.customer_id, i.created_at = %(at)s AS is_new, l.fields FROM latest l
JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = 'external_id' AND i.value = l.external_id
"""  # noqa: S608 - joined from constants
_PATCH_ATTRIBUTES = """
UPDATE crm_customer c SET attributes = c.attributes || (s.fields->'attributes'), updated_at = %(at)s
FROM staged_customer s
WHERE c.tenant_id = %(tenant)s AND c.id = s.customer_id AND NOT c.attributes @> (s.fields->'attributes')
RETURNING c.id
"""
_FIELDS = [name for name in Person.PERSONAL_FIELDS if name != "birth_on"]
_PATCH_PERSONS = f"""
INSERT INTO crm_person AS kept (tenant_id, customer_id, birth_on, {", ".join(_FIELDS)})
SELECT %(tenant)s, s.customer_id, (s.fields->'person'->>'birth_on')::date,
       {", ".join(f"coalesce(s.fields->'person'->>'{name}', '')" for name in _FIELDS)}
FROM staged_customer s WHERE s.fields->'person' <> '{{}}'
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
    birth_on = coalesce(excluded.birth_on, kept.birth_on),
    {", ".join(f"{name} = coalesce(nullif(excluded.{name}, ''), kept.{name})" for name in _FIELDS)}
WHERE excluded.birth_on <> coalesce(kept.birth_on, date '0001-01-01')
   OR {" OR ".join(f"excluded.{name} NOT IN ('', kept.{name})" for name in _FIELDS)}
RETURNING customer_id
"""  # noqa: S608 - joined from constants
# An address that already points to somebody else keeps pointing there.
_ADD_IDENTITIES = """
INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
SELECT %(tenant)s, s.customer_id, pair.key, pair.value, %(at)s
FROM staged_customer s CROSS JOIN LATERAL jsonb_each_text(s.fields->'identities') pair
ON CONFLICT (tenant_id, kind, value) DO NOTHING
"""
_COUNT_TAKEN = """
SELECT count(*) FROM staged_customer s CROSS JOIN LATERAL jsonb_each_text(s.fields->'identities') pair
JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = pair.key AND i.value = pair.value
WHERE i.customer_id <> s.customer_id
"""


@transaction.atomic
def import_customers(*, path: Path, mapping: str, by: Actor, at: datetime) -> ImportRun:
    """Load a file of customers. Raises ``UnknownMapping``, ``UnreadableFile``, ``MissingColumns``."""
    by.require(Permission.CUSTOMERS_IMPORT)
    if mapping not in CUSTOMER_MAPPINGS:
        known = ", ".join(CUSTOMER_MAPPINGS)
        raise UnknownMapping(f"There is no customer mapping “{mapping}”; there are {known}.")
    lock_imports()
    staging.begin()
    chosen, watch = CUSTOMER_MAPPINGS[mapping], staging.Stopwatch()
    columns = (chosen.external_id, *chosen.person, *chosen.attributes)
    run = runs.begin(kind=ImportKind.CUSTOMERS, mapping=mapping, path=path, by=by, at=at)
    attribute_definitions.ensure(keys=chosen.attributes.values(), numbers=chosen.numbers, subject="customer")
    with watch.stage("read"):
        read = records.stage(path, columns, chosen.optional, _Parser(chosen))
    with watch.stage("load"):
        report = _load({"tenant": active_tenant_id(), "at": at})
    quarantined = records.quarantine(run, path, columns)
    report |= {"quarantined": dict(quarantined.most_common()), "seconds": watch.seconds}
    merged = read - quarantined.total() - report["customers_changed"]
    return runs.finish(
        run, read=read, merged=merged, quarantined=quarantined.total(), report=report, by=by, at=at
    )


def _load(params: dict[str, Any]) -> dict[str, Any]:
    created = staging.run(_ADD_CUSTOMERS, params)
    staging.run(_FIND, params)
    staging.run("ANALYZE staged_customer")
    [(new,)] = [(staging.rows("SELECT customer_id FROM staged_customer WHERE is_new"),)]
    changed = {customer_id for (customer_id,) in new}
    changed |= {customer_id for (customer_id,) in staging.rows(_PATCH_ATTRIBUTES, params)}
    changed |= {customer_id for (customer_id,) in staging.rows(_PATCH_PERSONS, params)}
    staging.run(_ADD_IDENTITIES, params)
    customer_touches.add(changed, is_history=False)
    [(taken,)] = staging.rows(_COUNT_TAKEN, params)
    return {"customers_created": created, "customers_changed": len(changed), "identities_taken": taken}


class _Parser:
    """Reads one row of a customer file."""

    def __init__(self, mapping: CustomerMapping) -> None:
        self.mapping = mapping

    def __call__(self, row: dict[str, Any]) -> tuple[str | None, dict[str, Any], str | None]:
        external_id = records.text(row.get(self.mapping.external_id))
        person = {field: records.text(row.get(column)) for column, field in self.mapping.person.items()}
        person = {field: value for field, value in person.items() if value}
        problem = records.identified(external_id) or _problem(person)
        identities = {
            "email": normalise_email(person.get("email", "")),
            "phone": normalise_phone(person.get("phone", "")),
        }
        return (
            external_id,
            {
                "person": person,
                "identities": {kind: value for kind, value in identities.items() if value},
                "attributes": self._attributes(row),
            },
            problem,
        )

    def _attributes(self, row: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for column, key in self.mapping.attributes.items():
            value = records.text(row.get(column))
            if value:
                found[key] = float(value) if key in self.mapping.numbers else value
        return found


def _problem(person: dict[str, str]) -> str | None:
    limits = {name: getattr(Person._meta.get_field(name), "max_length", None) for name in person}
    if any(limit and len(person[name]) > limit for name, limit in limits.items()):
        return "value_too_long"
    if "email" in person and not normalise_email(person["email"]):
        return "email_invalid"
    if "birth_on" in person:
        try:
            person["birth_on"] = date.fromisoformat(person["birth_on"]).isoformat()
        except ValueError:
            return "birth_on_invalid"
    return None
