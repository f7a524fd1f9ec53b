"""What happens in the customer domain, as the audit log says it."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.admin.audit_words import Words

WORDS: Final[dict[Words, dict[str, Words]]] = {
    _("Customers"): {
        "customer.created": _("Created a customer"),
        "customer.updated": _("Changed a customer"),
        "customer.state_changed": _("Changed a customer's state"),
        "customer.merged": _("Merged customers"),
        "customer.unmerged": _("Undid a merge"),
        "customer.erased": _("Erased a customer"),
        "customer_policy.changed": _("Changed how identities are read"),
        "duplicate.dismissed": _("Said that two customers differ"),
        "duplicate.reopened": _("Took up a possible duplicate again"),
    },
    _("Privacy"): {
        "privacy_request.export": _("Asked for a customer's data"),
        "privacy_request.erasure": _("Asked for a customer's erasure"),
        "privacy_request.cancelled": _("Cancelled a privacy request"),
        "retention.changed": _("Changed how long data is kept"),
        "tombstone.lifted": _("Allowed an erased identity again"),
    },
    _("Segments"): {
        "segment.created": _("Created a segment"),
        "segment.updated": _("Changed a segment"),
        "segment.deleted": _("Deleted a segment"),
        "segment.members_added": _("Added members to a segment"),
        "segment.members_removed": _("Removed members from a segment"),
        "segment.snapshot_taken": _("Took a snapshot of a segment"),
    },
    _("Orders, items and events"): {
        "order.recorded": _("Recorded an order"),
        "return.recorded": _("Recorded a return"),
        "item.created": _("Created an item"),
        "item.updated": _("Changed an item"),
        "event.replayed": _("Took in a refused event again"),
        "event_schema.locked": _("Locked an event schema"),
        "event_schema.unlocked": _("Unlocked an event schema"),
        "event_schema.property_changed": _("Changed a property of an event schema"),
    },
    _("Imports and exports"): {
        "import.uploaded": _("Uploaded a file"),
        "import.mapped": _("Assigned a file's columns"),
        "import.finished": _("Loaded a file"),
        "import.failed": _("Failed to load a file"),
        "import.retried": _("Tried to load a file again"),
        "import.discarded": _("Discarded a file"),
        "import.reverted": _("Undid an import"),
        "export.requested": _("Asked for an export"),
        "export.downloaded": _("Downloaded an export"),
    },
    _("Feedback"): {
        "feedback.corrected": _("Corrected the reading of feedback"),
        "feedback_topic.created": _("Created a topic of feedback"),
        "feedback_topic.changed": _("Changed a topic of feedback"),
        "feedback_topic.deleted": _("Deleted a topic of feedback"),
        "recovery_case.taken": _("Took an unhappy customer's case"),
        "recovery_case.resolved": _("Resolved an unhappy customer's case"),
    },
}
