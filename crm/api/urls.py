from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from crm.api.views.analytics import CohortsView, FunnelView
from crm.api.views.consents import ConsentHistoryView, ConsentsView
from crm.api.views.customers import CustomerViewSet
from crm.api.views.duplicates import DuplicateViewSet
from crm.api.views.event_rejects import EventRejectViewSet
from crm.api.views.event_schemas import EventSchemaViewSet
from crm.api.views.events import EventBatchView
from crm.api.views.exports import ExportViewSet
from crm.api.views.feedback import FeedbackViewSet, RecoveryCaseViewSet
from crm.api.views.imports import ImportViewSet
from crm.api.views.items import ItemViewSet
from crm.api.views.merges import MergePreviewView, MergeView, MergeViewSet
from crm.api.views.orders import OrderViewSet
from crm.api.views.privacy import (
    EraseView,
    ExportView,
    PrivacyRequestViewSet,
    RetentionView,
    TombstoneLiftView,
)
from crm.api.views.returns import ReturnViewSet
from crm.api.views.segments import SegmentViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("customers", CustomerViewSet, basename="customer")
router.register("event-rejects", EventRejectViewSet, basename="event-reject")
router.register("event-schemas", EventSchemaViewSet, basename="event-schema")
router.register("feedback", FeedbackViewSet, basename="feedback")
router.register("recovery-cases", RecoveryCaseViewSet, basename="recovery-case")
router.register("exports", ExportViewSet, basename="export")
router.register("imports", ImportViewSet, basename="import")
router.register("items", ItemViewSet, basename="item")
router.register("duplicates", DuplicateViewSet, basename="duplicate")
router.register("privacy-requests", PrivacyRequestViewSet, basename="privacy-request")
router.register("merges", MergeViewSet, basename="merge")
router.register("orders", OrderViewSet, basename="order")
router.register("returns", ReturnViewSet, basename="return")
router.register("segments", SegmentViewSet, basename="segment")

urlpatterns = [
    path("analytics/cohorts", CohortsView.as_view(), name="analytics-cohorts"),
    path("analytics/funnels", FunnelView.as_view(), name="analytics-funnels"),
    path("events", EventBatchView.as_view(), name="event-batch"),
    path("customers/<uuid:public_id>/consents", ConsentsView.as_view(), name="consents"),
    path("customers/<uuid:public_id>/consents/history", ConsentHistoryView.as_view(), name="consent-history"),
    path("customers/<uuid:public_id>/export", ExportView.as_view(), name="customer-export"),
    path("customers/<uuid:public_id>/erase", EraseView.as_view(), name="customer-erase"),
    path("retention", RetentionView.as_view(), name="retention"),
    path("tombstones/lift", TombstoneLiftView.as_view(), name="tombstone-lift"),
    path("customers/<uuid:public_id>/merge", MergeView.as_view(), name="customer-merge"),
    path("customers/<uuid:public_id>/merge/preview", MergePreviewView.as_view(), name="merge-preview"),
    *router.urls,
]
