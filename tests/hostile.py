"""How hostile requests are sent, and what every refusal must look like."""

from __future__ import annotations

from typing import Any

from tests.conftest import ApiClient

PROBLEM = "application/problem+json"


def send(
    api: ApiClient,
    method: str,
    path: str,
    body: bytes = b"",
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """Send bytes as they are, past the client's own encoding."""
    named = {"Authorization": f"Bearer {api.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return api.client.generic(method.upper(), f"/api/v1{path}", body, content_type, headers=named)


def refusal(response: Any) -> tuple[int, str, list[str]]:
    """(status, code, pointers) of a problem; fails on anything that is none."""
    assert response["Content-Type"] == PROBLEM, (response.status_code, response.content[:200])
    body = response.json()
    assert body["status"] == response.status_code
    assert body["request_id"]
    return response.status_code, body["code"], [error["pointer"] for error in body.get("errors", [])]
