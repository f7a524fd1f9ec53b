"""Requests made from docs/openapi.yaml: never a 5xx, and every answer is as the document says.

``OPENAPI_EXAMPLES`` is how many requests an operation gets that fit its schema, and how many that do not.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from loyalty_saas.wsgi import application
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.architecture.test_api_routes import populate
from tests.conftest import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "1"))
# Not the checks that want every fitting request accepted: a customer who is not there is a fitting request.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(autouse=True)
def _in_one_transaction() -> Iterator[None]:
    """The application must not close the connection whose transaction the test rolls back."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def crashes() -> Iterator[list[str]]:
    """What the application raised, the latest last."""
    found: list[str] = []

    def note(sender: Any, request: Any, **_signal: Any) -> None:
        found.append(traceback.format_exc()[-2000:])

    got_request_exception.connect(note)
    yield found
    got_request_exception.disconnect(note)


def requests_for(
    operation: Any, mode: GenerationMode, known: Mapping[str, object]
) -> st.SearchStrategy[Case]:
    """Requests of one kind; of those that fit, most name an object that is there."""
    cases: st.SearchStrategy[Case] = operation.as_strategy(generation_mode=mode)
    noun = operation.path.split("/")[3]
    if mode is GenerationMode.NEGATIVE or noun not in known or "{public_id}" not in operation.path:
        return cases

    def named(case: Case, is_known: int) -> Case:
        if is_known:
            case.path_parameters["public_id"] = str(known[noun])
        return case

    # A draw of 0 is what hypothesis begins and ends with: 1 in 4 names nobody.
    return st.builds(named, cases, st.sampled_from([1, 2, 3, 0]))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_are_as_the_document_says(
    mode: GenerationMode, tenant: Tenant, api: ApiClient, crashes: list[str]
) -> None:
    with tenant_scope(tenant):
        known = populate("points")
    schema = schemathesis.openapi.from_path(DOCUMENT)
    schema.app = application
    failures: list[str] = []

    def ask(case: Case) -> None:
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Bearer {api.key}"})
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    for found in schema.get_all_operations():
        operation = found.ok()
        limits = settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
        crashes.clear()
        try:
            seed(EXAMPLES)(limits(given(requests_for(operation, mode, known))(ask)))()
        except Exception as error:  # noqa: BLE001 - every operation has its turn, then all are told
            failures.append("\n".join([operation.label, repr(error), str(error), *crashes[-1:]]))
    assert failures == []
