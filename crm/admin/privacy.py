"""Privacy: requests to get data or be forgotten, what is kept how long, and the tenant's policy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Channel, Customer, DataClass, PrivacyRequest, PrivacyRequestKind, Purpose
from crm.queries import customer_policies as policy_queries
from crm.queries import privacy as privacy_queries
from crm.services import consents, customer_policies, customers, privacy_requests, retention
from tenants.admin.forms import ConfirmForm, StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission


class PrivacyFilters(FilterForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("Any kind")), *PrivacyRequestKind.choices]
    )


class PrivacyPage(ListPage):
    """Requests of customers, the newest first."""

    permission = Permission.PRIVACY_VIEW
    title = gettext_lazy("Privacy")
    template_name = "backoffice/privacy/list.html"
    filter_class = PrivacyFilters
    orderings = {"requested": ("requested_at", "id")}
    default_ordering = "-requested"

    def rows(self, filters: dict[str, Any]) -> QuerySet[PrivacyRequest]:
        found = privacy_queries.requests().prefetch_related("customer__persons")
        return found.filter(kind=filters["kind"]) if "kind" in filters else found

    def beside(self, page: Page[PrivacyRequest]) -> dict[str, Any]:
        ids = [each.pk for each in page.object_list]
        return {"with_archive": privacy_queries.requests_with_archive(ids)}


class ArchiveFile(StaffPage):
    """The ZIP file of one export."""

    http_method_names = ["get", "head", "options"]
    permission = Permission.PRIVACY_MANAGE

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        wanted = get_object_or_404(PrivacyRequest.objects.all(), public_id=public_id)
        archive = privacy_queries.archive_of(wanted)
        if archive is None:
            raise Http404
        response = HttpResponse(bytes(archive.content), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="customer-{wanted.public_id}.zip"'
        response["Cache-Control"] = "no-store"
        return response


class CancelRequest(StaffPage):
    http_method_names = ["post", "options"]
    permission = Permission.PRIVACY_MANAGE
    title = gettext_lazy("Cancel a request")

    def after_error(self) -> str:
        return reverse("privacy")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        wanted = get_object_or_404(PrivacyRequest.objects.all(), public_id=public_id)
        privacy_requests.cancel(request=wanted, by=self.access.actor, at=timezone.now())
        messages.success(request, _("The request is cancelled."))
        return redirect("privacy")


class _OfCustomer(StaffPage):
    """A change about one customer; errors and results show on their page."""

    @cached_property
    def customer(self) -> Customer:
        found: Customer = get_object_or_404(
            Customer.objects.prefetch_related("persons"), public_id=self.kwargs["public_id"]
        )
        return found

    def after_error(self) -> str:
        return f"{reverse('customer', args=[self.kwargs['public_id']])}?tab=privacy"


class ConsentForm(StaffForm):
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=Purpose.choices)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Channel.choices)
    decision = forms.ChoiceField(
        label=gettext_lazy("Decision"),
        choices=[("granted", gettext_lazy("Allows")), ("withdrawn", gettext_lazy("Withdraws"))],
    )
    source = forms.CharField(label=gettext_lazy("Where it was said"), max_length=60)
    wording = forms.CharField(label=gettext_lazy("Version of the wording"), max_length=60, required=False)


class RecordConsent(_OfCustomer):
    http_method_names = ["post", "options"]
    permission = Permission.CONSENTS_EDIT
    title = gettext_lazy("Record a consent")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        form = ConsentForm(request.POST)
        customer = customers.open_for_change(self.customer)
        if not form.is_valid():
            messages.error(request, _("Say what was decided and where it was said."))
            return redirect(self.after_error())
        values, at = form.cleaned_data, timezone.now()
        decision = consents.NewConsent(
            customer_id=customer.pk,
            purpose=values["purpose"],
            channel=values["channel"],
            is_granted=values["decision"] == "granted",
            occurred_at=at,
            source=values["source"],
            wording=values["wording"],
        )
        consents.record(changes=[decision], by=self.access.actor, at=at)
        messages.success(request, _("The decision is recorded and in force."))
        return redirect(self.after_error())


class ExportCustomer(_OfCustomer):
    http_method_names = ["post", "options"]
    permission = Permission.PRIVACY_MANAGE
    title = gettext_lazy("Export a customer")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        privacy_requests.request_export(customer=self.customer, by=self.access.actor, at=timezone.now())
        messages.success(request, _("A worker makes the archive; it appears under “Privacy” in a moment."))
        return redirect("privacy")


class ErasePage(_OfCustomer):
    """Erase a customer, after their name was typed."""

    permission = Permission.PRIVACY_MANAGE
    title = gettext_lazy("Erase a customer")
    template_name = "backoffice/privacy/erase.html"

    def crumbs(self) -> list[Crumb]:
        if "public_id" not in self.kwargs or not self.access.can(self.permission):
            return []
        name = self.customer.display_name
        return [Crumb(_("Customers"), reverse("customers")), Crumb(name, self.after_error())]

    def _page(self, form: ConfirmForm, status: int = 200) -> HttpResponseBase:
        days = policy_queries.current().erasure_grace_days
        return self.page(customer=self.customer, form=form, grace_days=days, status=status)

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        return self._page(ConfirmForm(expected=self.customer.display_name))

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        form = ConfirmForm(request.POST, expected=self.customer.display_name)
        if not form.is_valid():
            return self._page(form, status=422)
        done = privacy_requests.request_erasure(
            customer=self.customer, by=self.access.actor, at=timezone.now()
        )
        if done.finished_at:
            messages.success(request, _("The customer is erased. The books stay by number."))
        else:
            messages.success(request, _("The erasure waits for its days of grace and can be cancelled."))
        return redirect("privacy")


class RetentionForm(StaffForm):
    """One field a class: days, blank for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for data_class, label in DataClass.choices:
            self.fields[data_class] = forms.IntegerField(
                label=label,
                required=False,
                min_value=1,
                max_value=retention.LONGEST_DAYS,
                widget=forms.NumberInput(attrs={"placeholder": _("for ever"), "inputmode": "numeric"}),
            )


class RetentionPage(FormPage):
    """Days by class of data, and what the nightly purge has removed."""

    permission = Permission.PRIVACY_VIEW
    write_permission = Permission.PRIVACY_MANAGE
    title = gettext_lazy("Retention")
    template_name = "backoffice/privacy/retention.html"
    form_class = RetentionForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Privacy"), reverse("privacy"))]

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        removed = privacy_queries.removed_by_class()
        totals = [(label, removed.get(key, 0)) for key, label in DataClass.choices]
        return {**super().context(), "purges": privacy_queries.purges(), "totals": totals}

    def initial(self) -> dict[str, Any]:
        return dict(retention.days_by_class())

    def save(self, form: Any) -> str:
        before = retention.days_by_class()
        for data_class, days in form.cleaned_data.items():
            if before[data_class] != days:
                retention.change(data_class=data_class, days=days, by=self.access.actor, at=timezone.now())
        messages.success(self.request, _("Saved. The next purge follows it tonight."))
        return reverse("retention")


class PolicyForm(StaffForm):
    phone_region = forms.RegexField(
        r"^[A-Za-z]{2}\Z", label=gettext_lazy("Country of phone numbers"), required=False, max_length=2,
        help_text=gettext_lazy("Two letters, such as GB: how numbers without a country code are read."),
    )  # fmt: skip
    ignores_gmail_dots = forms.BooleanField(
        label=gettext_lazy("Ignore dots in Gmail addresses"), required=False
    )
    drops_plus_tag = forms.BooleanField(
        label=gettext_lazy("Ignore what follows a plus sign in addresses"), required=False
    )
    needs_profiling_consent = forms.BooleanField(
        label=gettext_lazy("New customers are profiled only after they allowed it"), required=False
    )
    is_non_personalised = forms.BooleanField(
        label=gettext_lazy("Show everybody the lists that are not personal"), required=False
    )
    erasure_grace_days = forms.IntegerField(
        label=gettext_lazy("Days of grace before an erasure"), min_value=0,
        max_value=customer_policies.MOST_GRACE_DAYS,
    )  # fmt: skip

    def clean_phone_region(self) -> str:
        return str(self.cleaned_data["phone_region"]).upper()


class PolicyPage(FormPage):
    """How identities are spelled and what is done with personal data."""

    permission = Permission.PRIVACY_VIEW
    write_permission = Permission.PRIVACY_MANAGE
    title = gettext_lazy("Policy about customers")
    template_name = "backoffice/privacy/policy.html"
    form_class = PolicyForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Privacy"), reverse("privacy"))]

    def initial(self) -> dict[str, Any]:
        policy = policy_queries.current()
        return {name: getattr(policy, name) for name in customer_policies.EDITABLE}

    def save(self, form: Any) -> str:
        customer_policies.change(values=form.cleaned_data, by=self.access.actor, at=timezone.now())
        messages.success(self.request, _("Saved. Where the spelling changed, a job spells identities again."))
        return reverse("customer_policy")
