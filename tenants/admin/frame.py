"""The base of every page of a tenant's back office: who may see it, in whose time zone, inside the frame.

All our use of the admin framework goes through here and ``site``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.views import View

from tenants.access import Access
from tenants.admin.error_texts import message_of, text_of
from tenants.admin.notices import notices
from tenants.admin.site import tenant_site
from tenants.domain.permissions import Permission
from tenants.errors import DomainError, FieldError, InvalidInput, NotFound, PermissionRefused
from tenants.middleware import access_of

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way back: a page above this one."""

    label: Text
    url: str


class StaffPage(View):
    """A page of our own in the frame.

    ``permission`` is needed to see it, ``write_permission`` (else the same) to post to it. A ``DomainError``
    raised while posting undoes the change and becomes a message on the page named by ``after_error``.
    """

    http_method_names = ["get", "head", "post", "options"]
    permission: ClassVar[Permission]
    write_permission: ClassVar[Permission | None] = None
    title: Text = ""
    template_name: ClassVar[str]
    access: Access

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.access = access_of(request)
        with timezone.override(self.access.tenant.zone):
            try:
                self.access.actor.require(self._needed(request))
                if request.method == "POST":
                    return self._dispatch_change(request, *args, **kwargs)
                return super().dispatch(request, *args, **kwargs)
            except PermissionRefused:
                return self._refuse()
            except NotFound as error:
                raise Http404 from error

    def _needed(self, request: HttpRequest) -> Permission:
        return (self.write_permission or self.permission) if request.method == "POST" else self.permission

    def _dispatch_change(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            with transaction.atomic():
                return super().dispatch(request, *args, **kwargs)
        except (PermissionRefused, NotFound):
            raise
        except DomainError as error:
            messages.error(request, message_of(error))
            return redirect(self.after_error())

    def after_error(self) -> str:
        """Return the address of the page that shows why a change was refused."""
        return self.request.get_full_path()

    def _refuse(self) -> HttpResponse:
        return self.page(template="backoffice/refused.html", status=HTTPStatus.FORBIDDEN)

    def crumbs(self) -> list[Crumb]:
        return []

    def context(self) -> dict[str, Any]:
        """Return what every template of the page gets, frame included."""
        return {
            **tenant_site.each_context(self.request),
            "title": self.title,
            "crumbs": self.crumbs(),
            "tenant": self.access.tenant,
            "notices": notices(self.access),
        }

    def page(self, *, template: str = "", status: int = HTTPStatus.OK, **context: Any) -> TemplateResponse:
        """Render now, while the tenant's time zone is active."""
        self.request.current_app = tenant_site.name
        name = template or self.template_name
        response = TemplateResponse(self.request, name, {**self.context(), **context}, status=status)
        response.render()
        return response

    def fragment(self, template: str, **context: Any) -> TemplateResponse:
        """Render a piece of a page, for HTMX to put in place."""
        values = {"tenant": self.access.tenant, **context}
        response = TemplateResponse(self.request, template, values)
        response.render()
        return response


class FormPage(StaffPage):
    """A page with one form: shows it, and on a valid post calls ``save``, which calls a service."""

    form_class: ClassVar[type[Form]]
    field_by_pointer: ClassVar[Mapping[str, str]] = {}

    def form(self, data: Any = None) -> Form:
        return self.form_class(data, initial=None if data is not None else self.initial())

    def initial(self) -> dict[str, Any]:
        return {}

    def save(self, form: Any) -> str:
        """Call the service; return the address to go to."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.page(form=self.form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.form(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    return redirect(self.save(form))
            except (PermissionRefused, NotFound):
                raise
            except DomainError as error:
                show_errors(form, error, self.field_by_pointer)
        return self.page(form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def show_errors(form: Form, error: DomainError, field_by_pointer: Mapping[str, str]) -> None:
    """Put the domain's errors beside the fields they name, the rest on top of the form."""
    wrongs = error.errors if isinstance(error, InvalidInput) else []
    for wrong in wrongs or [FieldError("", error.code, message_of(error))]:
        name = field_by_pointer.get(wrong.pointer, wrong.pointer.removeprefix("/"))
        form.add_error(name if name in form.fields else None, text_of(wrong.code, wrong.detail))
