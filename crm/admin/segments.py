"""Segments: the list, one segment, a new one by rule or by list."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import rule_words
from crm.admin.rule_words import in_words
from crm.admin.segment_builder import free_key
from crm.admin.segment_forms import StaticForm
from crm.domain.hidden_values import spoken_of
from crm.domain.rules import parse
from crm.models import Customer, Identity, Segment, SegmentKind, SegmentMember, SegmentRun
from crm.queries import customers, segment_history, segment_overlap, segment_why, sensitive
from crm.services import segment_lists, segments
from tenants.admin import charts, formats
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission
from tenants.services import jobs

_MEMBERS_SHOWN: Final = 50
_DAYS_SHOWN: Final = 60
_REFRESH_JOB: Final = "crm.refresh_segments"


def described(segment: Segment, currency: str) -> str:
    """Return a segment's rule in words, or what it says of itself."""
    if segment.kind == SegmentKind.RULE:
        return in_words(parse(segment.rule), currency)
    return segment.description


def _secret(segment: Segment) -> list[str]:
    """Return what the rule speaks of although it is sensitive by now."""
    return spoken_of(parse(segment.rule), sensitive.hidden()) if segment.kind == SegmentKind.RULE else []


class SegmentsPage(ListPage):
    """Segments with their sizes and how fresh they are."""

    permission = Permission.SEGMENTS_VIEW
    title = gettext_lazy("Segments")
    template_name = "backoffice/segments/list.html"
    orderings = {
        "name": ("name", "id"),
        "members": ("member_count", "id"),
        "refreshed": ("refreshed_at", "id"),
    }
    nullable = frozenset({"refreshed_at"})
    default_ordering = "-members"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Segment]:
        return Segment.objects.all()

    def beside(self, page: Page[Segment]) -> dict[str, Any]:
        currency = self.access.tenant.currency
        return {
            "segments": [(segment, described(segment, currency)) for segment in page.object_list],
            "last_run": SegmentRun.objects.order_by("-started_at").first(),
        }


class SegmentPage(StaffPage):
    """One segment: its rule in words, its freshness, its newest members."""

    permission = Permission.SEGMENTS_VIEW
    template_name = "backoffice/segments/detail.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        segment = get_object_or_404(Segment.objects.all(), public_id=public_id)
        self.title = segment.name
        members = (
            SegmentMember.objects.filter(segment=segment)
            .select_related("customer")
            .prefetch_related("customer__persons", "customer__order_summaries")
            .order_by("-joined_at", "-id")
        )
        zone = self.access.tenant.zone
        growth = segment_history.growth(
            segment, last_on=timezone.now().astimezone(zone).date(), days=_DAYS_SHOWN
        )
        return self.page(
            secret=_secret(segment),
            segment=segment,
            rule=described(segment, self.access.tenant.currency),
            members=members[:_MEMBERS_SHOWN],
            chart=_growth_chart(growth),
            growth=growth,
            why=self._why(segment),
        )

    def _why(self, segment: Segment) -> dict[str, Any] | None:
        """Return for the customer asked about whether each condition holds, or what a model says."""
        asked = self.request.GET.get("customer", "").strip()
        if not asked:
            return None
        ids = _found([asked])
        customer = customers.with_details().filter(pk__in=ids.values()).first()
        if customer is None:
            return {"asked": asked, "customer": None}
        member = segment_why.membership(segment, customer)
        told = {"asked": asked, "customer": customer, "holds": member is not None, "member": member}
        if segment.kind != SegmentKind.RULE:
            return told
        tenant = self.access.tenant
        verdict = segment_why.of_customer(segment, customer, at=timezone.now(), zone=tenant.zone)
        lines = [
            (depth, rule_words.verdict_in_words(each, tenant.currency), each.holds)
            for depth, each in verdict.walk()
        ]
        return told | {"holds": verdict.holds, "lines": lines}


def _growth_chart(growth: list[segment_history.DaySize]) -> charts.Chart:
    sizes = [float(each.members) for each in growth]
    return charts.chart(
        title=_("Members by day"),
        axis=_("Day"),
        labels=[formats.day(each.day_on) for each in growth],
        series=[charts.Series(_("Members"), sizes, formats.number)],
        write_scale=formats.compact,
        kind="line",
        most_labels=4,
    )


class OverlapPart(StaffPage):
    """How much this segment and the others share, put in place when the page stands."""

    permission = Permission.SEGMENTS_VIEW

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        segment = get_object_or_404(Segment.objects.all(), public_id=public_id)
        overlaps = segment_overlap.with_others(segment)
        return self.fragment("backoffice/segments/overlap.html", overlaps=overlaps)


class SnapshotAction(StaffPage):
    """Keep the members of now as a static list."""

    http_method_names = ["post", "options"]
    permission = Permission.SEGMENTS_EDIT

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        segment, now = get_object_or_404(Segment.objects.all(), public_id=public_id), timezone.now()
        name = f"{segment.name}, {formats.day(now)}"[:120]
        taken = segment_lists.snapshot(
            of=segment, key=free_key(name), name=name, by=self.access.actor, at=now
        )
        messages.success(request, _("“%(name)s” is made.") % {"name": taken.name})
        return redirect("segment", public_id=taken.public_id)


class CreateStaticPage(FormPage):
    """A segment kept by hand: a list of customers."""

    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("New segment by list")
    template_name = "backoffice/segments/create_static.html"
    form_class = StaticForm

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def save(self, form: Any) -> str:
        now, actor = timezone.now(), self.access.actor
        lines = form.lines()
        ids = _found(lines)
        segment = segments.create(
            key=free_key(form.cleaned_data["name"]),
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            kind=SegmentKind.STATIC,
            by=actor,
            at=now,
        )
        segment_lists.add_members(segment=segment, customer_ids=set(ids.values()), by=actor, at=now)
        missing = [line for line in lines if line.lower() not in ids and line not in ids]
        if missing:
            text = _("Not found and left out: %(lines)s") % {"lines": ", ".join(missing[:10])}
            messages.warning(self.request, text)
        return reverse("segment", args=[segment.public_id])


class RefreshAll(StaffPage):
    """Ask a worker to recompute every rule segment."""

    http_method_names = ["post", "options"]
    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("Refresh all segments")

    def after_error(self) -> str:
        return reverse("segments")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        job = jobs.start(kind=_REFRESH_JOB, params={}, by=self.access.actor, at=timezone.now())
        return redirect("job", public_id=job.public_id)


def _found(lines: list[str]) -> dict[str, int]:
    """Return the customers named by external id or e-mail, by what was written."""
    rows = Customer.objects.filter(external_id__in=lines).values_list("external_id", "pk")
    ids = {str(external_id): pk for external_id, pk in rows}
    emails = [line.lower() for line in lines if "@" in line]
    by_email = Identity.objects.filter(kind="email", value__in=emails).values_list("value", "customer_id")
    return {**dict(by_email), **ids}
