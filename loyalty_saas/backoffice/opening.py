"""Opening another tenant, for who is signed in and may."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from loyalty_saas.backoffice.tenant_forms import NewTenantForm, SlugForm, start_values
from tenants.admin.error_texts import text_of
from tenants.admin.frame import show_errors
from tenants.domain import slugs
from tenants.domain.actors import Actor, ActorKind
from tenants.errors import DomainError, PermissionRefused
from tenants.middleware import address_of
from tenants.models import Tenant, User
from tenants.queries.access import may_open_tenants
from tenants.queries.slugs import free_slug, is_taken
from tenants.services import tenants


class OpenTenantPage(LoginRequiredMixin, View):
    """The particulars of a new tenant; whoever opens it owns it and lands in its first steps."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User) and not may_open_tenants(request.user):
            return _refused(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return _form(request, NewTenantForm(initial=start_values(get_language() or "en")))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewTenantForm(request.POST)
        if not form.is_valid():
            return _form(request, form)
        try:
            tenant = tenants.open_another(
                owner=_user(request), particulars=form.particulars(), by=_actor(request), at=timezone.now()
            )
        except PermissionRefused:
            return _refused(request)
        except DomainError as error:
            show_refusal(form, error)
            return _form(request, form)
        return welcome(request, tenant)


class SlugField(View):
    """The field of the address, proposed anew while the name is typed and nobody has chosen another one."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        may_open = isinstance(request.user, User) and may_open_tenants(request.user)
        if not may_open and not settings.SIGNUP_OPEN:
            raise Http404
        name = request.GET.get("name", "")[:200]
        slug, suggested = (request.GET.get(key, "")[: slugs.LONGEST] for key in ("slug", "suggested"))
        if slug == suggested:
            # To strangers it is not told which tenants there are.
            slug = suggested = free_slug(name) if may_open else slugs.suggested(name)
        form = SlugForm({"slug": slug}) if slug else SlugForm()
        if slug and form.is_valid() and may_open and is_taken(slug):
            form.add_error("slug", text_of("slug_taken", ""))
        context = {"field": form["slug"], "suggested": suggested, "is_free": may_open and form.is_valid()}
        return render(request, "backoffice/opening/slug.html", context)


def show_refusal(form: Any, error: DomainError) -> None:
    """Put a refusal beside its field; a slug that is taken names none."""
    show_errors(form, error, {})
    if error.code == tenants.SlugTaken.code:
        form.errors.pop("__all__", None)
        form.add_error("slug", text_of(error.code, error.detail))


def welcome(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Lead a new owner to the first steps."""
    messages.success(request, _("%(name)s is open. Choose a starter program.") % {"name": tenant.name})
    return redirect(f"/t/{tenant.slug}/onboarding/")


def _form(request: HttpRequest, form: NewTenantForm) -> HttpResponse:
    context = {"form": form, "suggested": form["suggested"].value() or ""}
    return render(request, "backoffice/opening/new.html", context, status=422 if form.errors else 200)


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "backoffice/opening/refused.html", status=403)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _actor(request: HttpRequest) -> Actor:
    user = _user(request)
    return Actor(
        kind=ActorKind.OPERATOR if user.is_operator else ActorKind.USER,
        id=user.pk,
        label=user.email,
        address=address_of(request),
        request_id=getattr(request, "request_id", ""),
    )
