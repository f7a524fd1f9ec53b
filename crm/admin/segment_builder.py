"""The segment builder: a tree of conditions edited without code, its count following every change."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin import segment_drafts, segment_drawing, segment_reading
from crm.admin.rule_words import OP_LABELS, PURCHASE_LABELS, PURCHASE_OF_LABELS, in_words
from crm.admin.segment_drafts import Draft
from crm.admin.segment_forms import SegmentForm, Subjects
from crm.admin.segment_widgets import Widgets
from crm.domain.rules import depends_on_time
from crm.models import Customer, Segment, SegmentKind
from crm.queries import event_names, segment_counts
from crm.services import segments
from tenants.admin.error_texts import text_of
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.keys import key_from
from tenants.domain.permissions import Permission
from tenants.errors import DomainError, InvalidInput

_SAMPLED: Final = 5
# Longer than this nobody waits for an exact count while editing.
_PATIENCE: Final = "10s"


class BuilderPage(StaffPage):
    """What the pages of the builder share: the draft, its choices, the tree as a fragment."""

    permission = Permission.SEGMENTS_EDIT
    title = gettext_lazy("New segment by rule")
    template_name = "backoffice/segments/builder.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Segments"), reverse("segments"))]

    def subjects(self) -> Subjects:
        return Subjects(self.access.tenant.currency)

    def choices(self, subjects: Subjects) -> dict[str, Any]:
        return {
            "subjects": subjects.choices(),
            "ops": OP_LABELS.items(),
            "times": [
                ("at_least", _("at least")), ("at_most", _("at most")),
                ("between", _("at least and at most")),
                ("exactly", _("exactly")), ("never", _("never")),
            ],
            "windows": [
                ("", _("at any time")), ("days", _("in the last days")), ("dates", _("between two days")),
            ],
            "measures": PURCHASE_LABELS.items(),
            "ofs": PURCHASE_OF_LABELS.items(),
            "events": event_names.recent(),
            "segments": Segment.objects.order_by("name").values_list("key", "name"),
            "matches": [("all", _("all hold")), ("any", _("any holds")), ("none", _("none holds")),
                        ("not_all", _("not all hold"))],
        }  # fmt: skip

    def drawn(self, form: SegmentForm, root: Draft, subjects: Subjects, **extra: Any) -> HttpResponseBase:
        choices = self.choices(subjects)
        node = Widgets(choices).dress(root)
        return self.page(form=form, node=node, events=choices["events"], **extra)


class CreateRulePage(BuilderPage):
    """A segment whose members a rule decides."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.drawn(SegmentForm(), segment_drafts.empty(), self.subjects())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return _saved(self, None)


class EditRulePage(BuilderPage):
    """Another name or rule for a segment that exists."""

    title = gettext_lazy("Edit segment")

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        segment, subjects = self._segment(public_id), self.subjects()
        form = SegmentForm(initial={"name": segment.name, "description": segment.description})
        return self.drawn(
            form, segment_drawing.draft_of(segment.rule or {}, subjects), subjects, segment=segment
        )

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        return _saved(self, self._segment(public_id))

    def _segment(self, public_id: UUID) -> Segment:
        rules = Segment.objects.filter(kind=SegmentKind.RULE)
        return get_object_or_404(rules, public_id=public_id)


def _saved(page: BuilderPage, segment: Segment | None) -> HttpResponseBase:
    """Make or change the segment that the form says, or draw the form again with what is wrong."""
    subjects = page.subjects()
    form, root = SegmentForm(page.request.POST), segment_drafts.read(page.request.POST)
    try:
        rule = segment_reading.rule_of(root, subjects)
        if form.is_valid():
            with transaction.atomic():
                kept = _write(page, form, rule, segment)
            return redirect("segment", public_id=kept.public_id)
    except segment_reading.Unfinished:
        form.is_valid()
    except InvalidInput as error:
        for wrong in error.errors:
            form.add_error(None, text_of(wrong.code, wrong.detail))
    return page.drawn(form, root, subjects, segment=segment, status=422)


def _write(page: BuilderPage, form: SegmentForm, rule: Any, segment: Segment | None) -> Segment:
    named = {"name": form.cleaned_data["name"], "description": form.cleaned_data["description"]}
    by, at = page.access.actor, timezone.now()
    if segment is None:
        return segments.create(
            key=free_key(named["name"]), kind=SegmentKind.RULE, rule=rule, by=by, at=at, **named
        )
    segment = segments.rename(segment=segment, by=by, at=at, **named)
    return segments.change_rule(segment=segment, rule=rule, by=by, at=at)


class TreePage(BuilderPage):
    """The tree after one action: add, group, remove, or only drawn again for another subject."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        root = segment_drafts.act(segment_drafts.read(request.POST), request.POST.get("act", ""))
        node = Widgets(self.choices(self.subjects())).dress(root)
        answer = self.fragment("backoffice/segments/tree.html", node=node)
        answer["HX-Trigger"] = "tree-changed"
        return answer


class CountPage(BuilderPage):
    """How many customers the rule being written takes: guessed at once, and exactly a moment later."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        try:
            root = segment_drafts.read(request.POST)
            parsed = segments.checked(segment_reading.rule_of(root, self.subjects()))
        except (segment_reading.Unfinished, DomainError):
            return self.fragment("backoffice/segments/count.html", estimate=None)
        now = timezone.now()
        if request.GET.get("exact"):
            found = segment_counts.count_in_time(parsed, at=now, patience=_PATIENCE)
            is_final = True
        else:
            found = segment_counts.estimate(parsed, at=now)
            is_final = found.is_exact
        ids = segment_counts.sample_members(parsed, at=now, limit=_SAMPLED)
        return self.fragment(
            "backoffice/segments/count.html",
            estimate=found,
            is_final=is_final,
            words=in_words(parsed, self.access.tenant.currency),
            moves=depends_on_time(parsed),
            members=Customer.objects.filter(pk__in=ids).prefetch_related("persons"),
        )


def free_key(name: str) -> str:
    return key_from(name, set(Segment.objects.values_list("key", flat=True)), fallback="segment")
