"""The door: one tenant goes straight in, several choose, nobody in particular signs in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tenants.models import Membership, User
from tenants.queries.access import may_open_tenants, memberships_of


def home(request: HttpRequest) -> HttpResponse:
    """Send a signed-in person to their tenant, or show the ones they belong to."""
    if request.user.pk is None:
        return redirect(str(settings.LOGIN_URL))
    memberships = memberships_of(request.user.pk)
    if len(memberships) == 1 and "choose" not in request.GET:
        return redirect(f"/t/{memberships[0].slug}/")
    labels = dict(Membership.ROLE_CHOICES)
    choices = [(membership, labels[membership.role.value]) for membership in memberships]
    may_open = isinstance(request.user, User) and may_open_tenants(request.user)
    return render(request, "backoffice/home.html", {"choices": choices, "may_open": may_open})
