"""Members of the tenant and their roles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.admin.forms import ConfirmForm, StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission, Role
from tenants.models import Membership
from tenants.services import memberships

ROLE_DESCRIPTIONS = {
    Role.OWNER: gettext_lazy("Everything, the team included."),
    Role.ADMIN: gettext_lazy("Everything but the team."),
    Role.MARKETER: gettext_lazy("Segments, program drafts, imports and models; no points by hand."),
    Role.SUPPORT: gettext_lazy("Customers, points by hand and redemptions."),
    Role.ANALYST: gettext_lazy("Reads everything but team, keys and audit log; changes nothing."),
}


class InviteForm(StaffForm):
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=Membership.ROLE_CHOICES, initial=Role.ANALYST.value
    )


class RoleForm(StaffForm):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Membership.ROLE_CHOICES)


class TeamPage(StaffPage):
    """Everybody who may enter this tenant."""

    permission = Permission.TEAM_VIEW
    title = gettext_lazy("Team")
    template_name = "backoffice/team/list.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        members = Membership.objects.select_related("user").order_by("created_at", "id")
        roles = [
            (label, ROLE_DESCRIPTIONS[Role(value)], len(PERMISSIONS_BY_ROLE[Role(value)]))
            for value, label in Membership.ROLE_CHOICES
        ]
        return self.page(members=members, roles=roles, role_choices=Membership.ROLE_CHOICES)


class InvitePage(FormPage):
    """Give a person a role, by their e-mail."""

    permission = Permission.TEAM_MANAGE
    title = gettext_lazy("Invite a person")
    template_name = "backoffice/team/invite.html"
    form_class = InviteForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Team"), reverse("team"))]

    def save(self, form: Any) -> str:
        values = form.cleaned_data
        membership = memberships.invite(
            email=values["email"],
            role=Role(values["role"]),
            name=values["name"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(
            self.request,
            _("%(email)s is in the team. They choose a password under “Forgotten or never set a password?”.")
            % {"email": membership.user.email},
        )
        return reverse("team")


class ChangeRole(StaffPage):
    http_method_names = ["post", "options"]
    permission = Permission.TEAM_MANAGE
    title = gettext_lazy("Change a role")

    def after_error(self) -> str:
        return reverse("team")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        membership = get_object_or_404(Membership.objects.all(), public_id=public_id)
        form = RoleForm(request.POST)
        if form.is_valid():
            role = Role(form.cleaned_data["role"])
            memberships.change_role(membership=membership, role=role, by=self.access.actor, at=timezone.now())
            messages.success(request, _("The role is changed."))
        else:
            messages.error(request, _("There is no such role."))
        return redirect("team")


class RemovePage(StaffPage):
    """Take a person out of the tenant, after their e-mail was typed."""

    permission = Permission.TEAM_MANAGE
    title = gettext_lazy("Remove from the team")
    template_name = "backoffice/team/remove.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Team"), reverse("team"))]

    def after_error(self) -> str:
        return reverse("team")

    def _membership(self, public_id: UUID) -> Membership:
        return get_object_or_404(Membership.objects.select_related("user"), public_id=public_id)

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        membership = self._membership(public_id)
        return self.page(membership=membership, form=ConfirmForm(expected=membership.user.email))

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        membership = self._membership(public_id)
        form = ConfirmForm(request.POST, expected=membership.user.email)
        if not form.is_valid():
            return self.page(membership=membership, form=form, status=422)
        memberships.remove(membership=membership, by=self.access.actor, at=timezone.now())
        messages.success(request, _("%(person)s is out of the team.") % {"person": membership.user})
        return redirect("team")
