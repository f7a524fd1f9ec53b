from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.filters import ModelVersionFilters
from recommendations.api.serializers.models import ModelVersionOutput, TrainingJobOutput, TrainInput
from recommendations.models import ModelVersion
from recommendations.queries import model_versions
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.services import jobs


class ModelVersionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Every training run with its figures beside the baselines, newest first."""

    permissions = {"list": Permission.MODELS_VIEW, "retrieve": Permission.MODELS_VIEW}
    serializer_class = ModelVersionOutput
    filterset_class = ModelVersionFilters
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return model_versions.versions()


class TrainModelsView(TenantAPIView):
    """Training on demand."""

    permissions = {"post": Permission.MODELS_TRAIN}

    @extend_schema(request=TrainInput, responses={status.HTTP_202_ACCEPTED: TrainingJobOutput})
    def post(self, request: Request) -> Response:
        """Start a training of one kind of model or of all; the answer names the job to watch."""
        asked = TrainInput(data=request.data)
        asked.is_valid(raise_exception=True)
        job = jobs.start(
            kind=model_versions.TRAINING_JOB,
            params=dict(asked.validated_data),
            by=cast("TenantRequest", request).access.actor,
            at=timezone.now(),
        )
        return Response(TrainingJobOutput(job).data, status=status.HTTP_202_ACCEPTED)
