from __future__ import annotations

import pytest
from django.db import connections

from tests.architecture import catalogue

pytestmark = pytest.mark.django_db(databases=["default", "owner"])


def test_the_catalogue_has_no_fault():
    assert catalogue.findings() == []


def test_every_tenant_table_is_seen():
    tables = catalogue.tenant_tables()
    assert {"tenants_job", "crm_customer", "crm_event", "rewards_ledgerentry"} <= set(tables)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("CREATE TABLE bad (tenant_id bigint, id bigint)", "bad: row-level security"),
        ("CREATE TABLE bad (tenant_id bigint, id bigint)", "bad: the policies are not exactly ours"),
        ("ALTER TABLE tenants_job NO FORCE ROW LEVEL SECURITY", "tenants_job: row-level security"),
        ("CREATE POLICY loose ON tenants_job USING (true)", "tenants_job: the policies are not exactly ours"),
        ("CREATE UNIQUE INDEX bad ON tenants_job (kind)", "tenants_job: unique index bad"),
        (
            """CREATE UNIQUE INDEX bad_target ON crm_customer (id);
               ALTER TABLE crm_order ADD CONSTRAINT bad
               FOREIGN KEY (customer_id) REFERENCES crm_customer (id)""",
            "crm_order: foreign key bad",
        ),
        ("CREATE MATERIALIZED VIEW bad AS SELECT 1 AS one", "bad: materialised views leak"),
        ("CREATE VIEW bad AS SELECT * FROM tenants_job", "bad: the view is not security_invoker"),
        (
            "CREATE FUNCTION bad() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "bad: SECURITY DEFINER is not on the list",
        ),
        ("GRANT TRUNCATE ON tenants_job TO app_rw", "tenants_job: app_rw may TRUNCATE"),
    ],
)
def test_a_bad_table_is_found(statement, finding):
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)
    assert any(fault.startswith(finding) for fault in catalogue.findings())
