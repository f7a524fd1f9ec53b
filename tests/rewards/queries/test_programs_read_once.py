"""Who plays a whole day reads the program in force once; everybody else reads what is published now."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from rewards.queries import programs
from tenants.models import Tenant
from tests.conftest import NOW
from tests.rewards.challenge_worlds import ORDERS, challenge, publish


def number() -> int:
    found = programs.published()
    assert found is not None
    return found.number


def test_inside_the_block_it_is_read_once_and_afterwards_anew(scope: Tenant) -> None:
    publish(challenge(ORDERS))
    with programs.read_once():
        assert number() == 1
        publish(challenge(ORDERS), at=NOW)
        with CaptureQueriesContext(connection) as captured:
            assert number() == 1
        assert len(captured) == 0
    assert number() == 2
