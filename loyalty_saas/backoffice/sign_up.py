"""Signing up by oneself, where the installation allows it: the form, the mail's link, the open tenant."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from loyalty_saas.backoffice.opening import show_refusal, welcome
from loyalty_saas.backoffice.tenant_forms import ConfirmSignUpForm, SignUpForm, start_values
from tenants.errors import DomainError
from tenants.middleware import address_of
from tenants.services import sign_ups
from tenants.services.sign_ups import AccountExists, LinkNotValid

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class _Page(View):
    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.SIGNUP_OPEN:
            raise Http404
        return super().dispatch(request, *args, **kwargs)


class SignUpPage(_Page):
    """Who, and which tenant. What follows is said by e-mail, so that the page tells nobody's address."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(SignUpForm(initial=start_values(get_language() or "en")))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignUpForm(request.POST)
        if not form.is_valid():
            return self._shown(form, 422)
        try:
            sign_ups.request(
                email=form.cleaned_data["email"],
                password=form.cleaned_data["password"],
                particulars=form.particulars(),
                client=address_of(request),
                sign_in=request.build_absolute_uri(reverse("account_login")),
                link=lambda token: request.build_absolute_uri(reverse("sign_up_confirm", args=[token])),
                at=timezone.now(),
            )
        except DomainError as error:
            show_refusal(form, error)
            return self._shown(form, error.status)
        return redirect("sign_up_sent")

    def _shown(self, form: SignUpForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "suggested": form["suggested"].value() or ""}
        return render(self.request, "backoffice/sign_up/form.html", context, status=status)


class SentPage(_Page):
    """Look into your mailbox: the same whoever has an account."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "backoffice/sign_up/sent.html", {"hours": sign_ups.LINK_HOURS})


class ConfirmPage(_Page):
    """Where the mail's link leads; opening it changes nothing, typing the password opens the tenant."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            row = sign_ups.asked_for(token=token, at=timezone.now())
        except LinkNotValid:
            return self._ended()
        if row.confirmed_at is not None:
            return self._known(_("The tenant is open already. Sign in."))
        return self._shown(token, ConfirmSignUpForm(initial={"slug": row.slug}))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form = ConfirmSignUpForm(request.POST)
        if not form.is_valid():
            return self._shown(token, form, 422)
        try:
            opened = sign_ups.confirm(
                token=token,
                password=form.cleaned_data["password"],
                slug=form.cleaned_data["slug"],
                client=address_of(request),
                request_id=getattr(request, "request_id", ""),
                at=timezone.now(),
            )
        except LinkNotValid:
            return self._ended()
        except AccountExists:
            return self._known(_("This e-mail address has an account already. Sign in with it."))
        except DomainError as error:
            show_refusal(form, error)
            return self._shown(token, form, error.status)
        login(request, opened.owner, backend=BACKEND)
        return welcome(request, opened.tenant)

    def _shown(self, token: str, form: ConfirmSignUpForm, status: int = 200) -> HttpResponse:
        try:
            row = sign_ups.asked_for(token=token, at=timezone.now())
        except LinkNotValid:
            return self._ended()
        context = {"form": form, "sign_up": row}
        return render(self.request, "backoffice/sign_up/confirm.html", context, status=status)

    def _known(self, text: str) -> HttpResponse:
        messages.info(self.request, text)
        return redirect("account_login")

    def _ended(self) -> HttpResponse:
        return render(self.request, "backoffice/sign_up/ended.html", status=404)
