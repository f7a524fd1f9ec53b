from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import ItemFilter
from crm.api.serializers.items import ItemInput, ItemOutput
from crm.models import Item
from crm.services import items
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class ItemViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """What the tenant sells or recommends."""

    queryset = Item.objects.none()
    permissions = {
        "list": Permission.ITEMS_VIEW,
        "retrieve": Permission.ITEMS_VIEW,
        "create": Permission.ITEMS_EDIT,
    }
    filterset_class = ItemFilter
    serializer_class = ItemOutput

    def get_queryset(self) -> QuerySet[Item]:
        found: QuerySet[Item] = Item.objects.all()
        return found

    @extend_schema(request=ItemInput, responses={200: ItemOutput, 201: ItemOutput})
    def create(self, request: TenantRequest) -> Response:
        """Create the item of an external id (201) or patch the named fields of the known one (200)."""
        fields = read(ItemInput, request)
        item, is_new = items.upsert(
            external_id=fields.pop("external_id"), fields=fields, by=request.access.actor, at=timezone.now()
        )
        return Response(ItemOutput(item).data, status=201 if is_new else 200)
