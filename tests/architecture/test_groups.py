"""Tests that share a broker, a server or a port run one after the other."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("probe")
def test_the_scheduler_hears_of_groups(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("Without --dist loadgroup nothing runs at the same time.")
    assert request.node.nodeid.endswith("@probe")
