from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def tenant_site(request: HttpRequest) -> dict[str, Any]:
    """Give templates the request's access: which tenant, which role, which other tenants."""
    access = getattr(request, "access", None)
    return {"access": access, "tenant": access.tenant if access else None}
