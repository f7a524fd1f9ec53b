from __future__ import annotations

from functools import partial

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from rewards.api.serializers.rehearsals import RehearsalOutput, RehearsalStarted, RehearseInput
from rewards.models import ProgramRevision
from rewards.queries import rehearsal_results
from rewards.services import rehearsals
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantListView, TenantRequest, read
from tenants.domain.permissions import Permission


class RehearsalsView(TenantListView):
    """The rehearsals of one revision."""

    permissions = {"get": Permission.PROGRAM_VIEW, "post": Permission.PROGRAM_EDIT}

    @extend_schema(responses=RehearsalOutput(many=True))
    def get(self, request: TenantRequest, number: int) -> Response:
        """List what rehearsals of a revision said, the newest first: points and cost by wallet and rule."""
        revision = _revision(number)
        told = partial(rehearsal_results.told, revision=revision)
        return self.page(rehearsal_results.of_revision(revision), RehearsalOutput, request, told=told)

    @extend_schema(request=RehearseInput, responses={202: RehearsalStarted})
    @idempotent
    def post(self, request: TenantRequest, number: int) -> Response:
        """Rehearse a revision that is not published over the last days, in the background."""
        data = read(RehearseInput, request)
        job = rehearsals.request(
            revision=_revision(number),
            **data,
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(RehearsalStarted({"job": job.public_id}).data, status=202)


def _revision(number: int) -> ProgramRevision:
    found: ProgramRevision = get_object_or_404(ProgramRevision.objects.all(), number=number)
    return found
