"""Pages of the customer domain: orders, items, segments, imports."""

from __future__ import annotations

from django.urls import path

from crm.admin import (
    event_schemas,
    events,
    exports,
    feedback,
    import_steps,
    imports,
    items,
    orders,
    segments,
)

urlpatterns = [
    path("feedback/", feedback.FeedbackPage.as_view(), name="feedback"),
    path("feedback/<uuid:public_id>/correct/", feedback.CorrectFeedback.as_view(), name="feedback_correct"),
    path("feedback/recovery/", feedback.RecoveryPage.as_view(), name="recovery"),
    path("feedback/recovery/<uuid:public_id>/", feedback.RecoveryCasePage.as_view(), name="recovery_case"),
    path("feedback/recovery/<uuid:public_id>/take/", feedback.TakeCase.as_view(), name="recovery_take"),
    path("orders/", orders.OrdersPage.as_view(), name="orders"),
    path("items/", items.ItemsPage.as_view(), name="items"),
    path("segments/", segments.SegmentsPage.as_view(), name="segments"),
    path("segments/new/", segments.CreateRulePage.as_view(), name="segment_create"),
    path("segments/new/count/", segments.CountPage.as_view(), name="segment_count"),
    path("segments/new/list/", segments.CreateStaticPage.as_view(), name="segment_create_static"),
    path("segments/refresh/", segments.RefreshAll.as_view(), name="segments_refresh"),
    path("segments/<uuid:public_id>/", segments.SegmentPage.as_view(), name="segment"),
    path("imports/", imports.ImportsPage.as_view(), name="imports"),
    path("exports/", exports.ExportsPage.as_view(), name="exports"),
    path("exports/new/", exports.CreateExportPage.as_view(), name="export_create"),
    path("exports/<uuid:public_id>/", exports.DownloadPage.as_view(), name="export_download"),
    path("imports/new/", import_steps.UploadPage.as_view(), name="import_create"),
    path("imports/<uuid:public_id>/", imports.ImportPage.as_view(), name="import"),
    path("events/", events.EventsPage.as_view(), name="events"),
    path("events/tail/", events.EventsTail.as_view(), name="events_tail"),
    path("events/rejects/replay/", events.ReplayAll.as_view(), name="event_rejects_replay"),
    path("events/rejects/<uuid:public_id>/", events.RejectPage.as_view(), name="event_reject"),
    path("events/schemas/", event_schemas.SchemasPage.as_view(), name="event_schemas"),
    path("events/schemas/<uuid:public_id>/", event_schemas.SchemaPage.as_view(), name="event_schema"),
    path("imports/<uuid:public_id>/progress/", imports.ImportProgress.as_view(), name="import_progress"),
    path("imports/<uuid:public_id>/failed/", imports.FailedRows.as_view(), name="import_failed_rows"),
    path("imports/<uuid:public_id>/map/", import_steps.MapPage.as_view(), name="import_map"),
    path("imports/<uuid:public_id>/preview/", import_steps.PreviewPage.as_view(), name="import_preview"),
    path("imports/<uuid:public_id>/check/", import_steps.CheckStep.as_view(), name="import_check"),
    path("imports/<uuid:public_id>/load/", import_steps.LoadStep.as_view(), name="import_load"),
    path("imports/<uuid:public_id>/undo/", import_steps.UndoStep.as_view(), name="import_undo"),
    path("imports/<uuid:public_id>/retry/", import_steps.RetryStep.as_view(), name="import_retry"),
    path("imports/<uuid:public_id>/discard/", import_steps.DiscardStep.as_view(), name="import_discard"),
]
