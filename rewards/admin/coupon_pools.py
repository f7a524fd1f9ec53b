"""Pools of codes: ordered, imported, followed, downloaded; looking one code up."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import choices_of
from rewards.admin.coupons import worth
from rewards.domain.coupon_codes import normalised
from rewards.models import CouponCode, CouponDefinition, CouponPool, CouponUse
from rewards.services.coupons import issuing, pools
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.lists import ListPage
from tenants.admin.pickers import offer_of
from tenants.domain.permissions import Permission
from tenants.models import Job
from tenants.scope import active_tenant_id, tenant_scope

_PAGE: Final = 5_000
_LARGEST_FILE: Final = 8 * 1024 * 1024
_USES_SHOWN: Final = 50


class PoolForm(StaffForm):
    definition = forms.ChoiceField(
        label=gettext_lazy("Coupon"),
        help_text=gettext_lazy("One that waits in a draft gets codes once the draft is published."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    count = forms.IntegerField(
        label=gettext_lazy("Codes to make"), required=False, min_value=1, max_value=pools.MOST_GENERATED,
        help_text=gettext_lazy("Or bring codes of your own with a file."),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("File with codes"), required=False,
        help_text=gettext_lazy("Text or CSV, the code first on each line; up to 200,000 codes."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_of(self, "definition", choices_of.live_coupons())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        has_file = bool(values.get("file"))
        if has_file == bool(values.get("count")):
            self.add_error("count", _("Say how many codes to make, or choose a file."))
        if has_file and values["file"].size > _LARGEST_FILE:
            self.add_error("file", _("The file is too large."))
        return values


class PoolsPage(ListPage):
    """Pools with their progress; refreshed while one of them is being filled."""

    permission = Permission.COUPONS_VIEW
    title = gettext_lazy("Code pools")
    template_name = "backoffice/coupons/pools.html"
    orderings = {"latest": ("id",)}
    default_ordering = "-latest"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def rows(self, filters: dict[str, Any]) -> QuerySet[CouponPool]:
        return CouponPool.objects.select_related("definition")

    def beside(self, page: Any) -> dict[str, Any]:
        shown = list(page.object_list)
        ids = [pool.job_id for pool in shown if pool.job_id]
        jobs = {job.public_id: job for job in Job.objects.filter(public_id__in=ids)} if ids else {}
        listed = [{"pool": pool, "job": jobs.get(pool.job_id)} for pool in shown]
        is_busy = any(each["job"] and each["job"].state not in Job.FINISHED for each in listed)
        return {"pools": listed, "is_busy": is_busy}


class PoolCreatePage(FormPage):
    """Order a pool, or import one."""

    permission = Permission.COUPONS_EDIT
    title = gettext_lazy("New code pool")
    template_name = "backoffice/coupons/pool_form.html"
    form_class = PoolForm
    field_by_pointer = {"/codes": "file"}

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons")), Crumb(_("Code pools"), reverse("coupon_pools"))]

    def form(self, data: Any = None) -> PoolForm:
        return PoolForm(data, self.request.FILES or None)

    def context(self) -> dict[str, Any]:
        return {
            **super().context(),
            "has_definition": CouponDefinition.objects.filter(is_active=True).exists(),
        }

    def save(self, form: Any) -> str:
        values = form.cleaned_data
        definition = CouponDefinition.objects.get(key=values["definition"])
        common = {
            "definition": definition,
            "name": values["name"],
            "by": self.access.actor,
            "at": timezone.now(),
        }
        if values["count"]:
            pools.generate(count=values["count"], **common)
            messages.success(self.request, _("The codes are being made; this page follows them."))
            return reverse("coupon_pools")
        pool = pools.import_codes(codes=_codes_in(values["file"]), **common)
        left_out = sum(pool.report["counts"].values())
        text = _("%(good)s codes were imported, %(bad)s were left out.")
        messages.success(self.request, text % {"good": pool.codes_count, "bad": left_out})
        return reverse("coupon_pools")


def _codes_in(file: Any) -> Iterator[str]:
    for line in file.read().decode("utf-8-sig", errors="replace").splitlines():
        yield line.replace(";", ",").replace("\t", ",").split(",")[0].strip().strip('"')


class PoolDownload(StaffPage):
    """A pool's codes as CSV, streamed page by page."""

    http_method_names = ["post", "options"]
    permission = Permission.COUPONS_EDIT
    title = gettext_lazy("Download codes")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        pool = get_object_or_404(CouponPool.objects.all(), public_id=public_id)
        response = StreamingHttpResponse(_rows(active_tenant_id(), pool.pk), content_type="text/csv")
        response["Content-Disposition"] = f'attachment; filename="codes-{pool.public_id}.csv"'
        return response


class _Echo:
    def write(self, value: str) -> str:
        return value


def _rows(tenant_id: int, pool_id: int) -> Iterator[str]:
    """Yield lines; the request's scope is closed by then, so each page opens its own."""
    writer = csv.writer(_Echo())
    yield writer.writerow(["code", "state", "uses"])
    after = 0
    while True:
        with tenant_scope(tenant_id):
            rows = CouponCode.objects.filter(pool_id=pool_id, pk__gt=after).order_by("pk")
            page = list(rows.values_list("pk", "code", "state", "uses")[:_PAGE])
        if not page:
            return
        after = page[-1][0]
        # A cell that a spreadsheet would compute is made text.
        yield "".join(
            writer.writerow([f"'{code}" if code[0] in "=+-@" else code, state, uses])
            for _pk, code, state, uses in page
        )


class VoidForm(StaffForm):
    code = forms.CharField(max_length=60, widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)


class LookupPage(StaffPage):
    """One code: its state, owner and uses; switching it off."""

    permission = Permission.COUPONS_VIEW
    write_permission = Permission.COUPONS_EDIT
    title = gettext_lazy("Look up a code")
    template_name = "backoffice/coupons/lookup.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._shown(request.GET.get("q", "").replace("\0", ""), VoidForm)

    def _shown(self, text: str, form_class: Any, form: Any = None, status: int = 200) -> HttpResponseBase:
        spelled = normalised(text)[:60]
        found = CouponCode.objects.select_related("definition", "customer", "pool").filter(code=spelled)
        row = found.prefetch_related("customer__persons").first() if spelled else None
        uses = (
            CouponUse.objects.filter(code=row).select_related("redemption__customer")
            if row
            else CouponUse.objects.none()
        )
        return self.page(
            q=text,
            row=row,
            worth=worth(row.definition, self.access.tenant.currency) if row else "",
            uses=uses.order_by("-pk")[:_USES_SHOWN],
            form=form or form_class(initial={"code": spelled}),
            status=status,
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = VoidForm(request.POST)
        if not form.is_valid():
            return self._shown(request.POST.get("code", "").replace("\0", ""), VoidForm, form, 422)
        code = issuing.void(
            text=form.cleaned_data["code"],
            reason=form.cleaned_data["reason"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(request, _("The code is void."))
        return redirect(f"{reverse('coupon_lookup')}?q={code.code}")
