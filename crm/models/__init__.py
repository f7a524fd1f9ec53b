from __future__ import annotations

from crm.models.attribute_definition import AttributeDefinition, AttributeSubject, AttributeType
from crm.models.computed_trait import ComputedTrait
from crm.models.consent import Channel, Consent, Purpose
from crm.models.consent_change import ConsentChange
from crm.models.customer import Customer, CustomerState
from crm.models.customer_merge import CustomerMerge
from crm.models.customer_policy import CustomerPolicy
from crm.models.customer_profile import CustomerProfile
from crm.models.customer_touch import CustomerTouch
from crm.models.duplicate_candidate import CandidateState, DuplicateCandidate
from crm.models.event import Event
from crm.models.event_reject import EventReject
from crm.models.event_schema import EventSchema, ViolationPolicy
from crm.models.event_tally import EventStatus, EventTally
from crm.models.export import Export, ExportFormat
from crm.models.feedback import Feedback, FeedbackKind
from crm.models.feedback_topic import FeedbackTopic
from crm.models.identity import Identity, IdentityKind
from crm.models.import_change import ImportChange
from crm.models.import_mapping import ImportMapping
from crm.models.import_run import ImportKind, ImportRun, ImportState
from crm.models.item import Item
from crm.models.match_key import MatchKey, MatchKeyKind
from crm.models.merged_row import MergedRow
from crm.models.order import Order
from crm.models.order_line import LineKind, OrderLine
from crm.models.order_summary import OrderSummary
from crm.models.person import Person
from crm.models.privacy_archive import PrivacyArchive
from crm.models.privacy_request import PrivacyRequest, PrivacyRequestKind, PrivacyRequestState
from crm.models.property_schema import PropertySchema, PropertyType, Sensitivity
from crm.models.quarantined_row import QuarantinedRow
from crm.models.recovery_case import RecoveryCase, RecoveryOutcome, RecoveryState
from crm.models.retention_rule import DataClass, RetentionRule
from crm.models.retention_run import RetentionRun
from crm.models.return_ import Return
from crm.models.return_line import ReturnLine
from crm.models.rfm_scale import RfmScale
from crm.models.segment import Segment, SegmentKind
from crm.models.segment_day import SegmentDay
from crm.models.segment_departure import SegmentDeparture
from crm.models.segment_member import SegmentMember
from crm.models.segment_run import SegmentRun, SegmentRunState
from crm.models.staged_row import StagedRow
from crm.models.tombstone import Tombstone

__all__ = [
    "AttributeDefinition",
    "AttributeSubject",
    "AttributeType",
    "CandidateState",
    "Channel",
    "ComputedTrait",
    "Consent",
    "ConsentChange",
    "Customer",
    "CustomerMerge",
    "CustomerPolicy",
    "CustomerProfile",
    "CustomerState",
    "CustomerTouch",
    "DataClass",
    "DuplicateCandidate",
    "Event",
    "EventReject",
    "EventSchema",
    "EventStatus",
    "EventTally",
    "Export",
    "ExportFormat",
    "Feedback",
    "FeedbackKind",
    "FeedbackTopic",
    "Identity",
    "IdentityKind",
    "ImportChange",
    "ImportKind",
    "ImportMapping",
    "ImportRun",
    "ImportState",
    "Item",
    "LineKind",
    "MatchKey",
    "MatchKeyKind",
    "MergedRow",
    "Order",
    "OrderLine",
    "OrderSummary",
    "Person",
    "PrivacyArchive",
    "PrivacyRequest",
    "PrivacyRequestKind",
    "PrivacyRequestState",
    "PropertySchema",
    "PropertyType",
    "Purpose",
    "QuarantinedRow",
    "RecoveryCase",
    "RecoveryOutcome",
    "RecoveryState",
    "RetentionRule",
    "RetentionRun",
    "Return",
    "ReturnLine",
    "RfmScale",
    "Segment",
    "SegmentDay",
    "SegmentDeparture",
    "SegmentKind",
    "SegmentMember",
    "SegmentRun",
    "SegmentRunState",
    "Sensitivity",
    "StagedRow",
    "Tombstone",
    "ViolationPolicy",
]
