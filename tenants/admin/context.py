from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from tenants.models import Membership


def tenant_site(request: HttpRequest) -> dict[str, Any]:
    """Give templates the request's access: which tenant, which role, which other tenants."""
    access = getattr(request, "access", None)
    if access is None:
        return {"access": None, "tenant": None, "signup_open": settings.SIGNUP_OPEN}
    labels = dict(Membership.ROLE_CHOICES)
    return {
        "access": access,
        "tenant": access.tenant,
        "role_label": labels.get(access.role, ""),
        "is_test_server": settings.DEBUG,
    }
