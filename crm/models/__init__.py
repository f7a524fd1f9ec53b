from __future__ import annotations

from crm.models.attribute_definition import AttributeDefinition
from crm.models.computed_trait import ComputedTrait
from crm.models.customer import Customer
from crm.models.event import Event
from crm.models.event_reject import EventReject
from crm.models.identity import Identity
from crm.models.import_run import ImportRun
from crm.models.item import Item
from crm.models.order import Order
from crm.models.order_line import OrderLine
from crm.models.order_summary import OrderSummary
from crm.models.person import Person
from crm.models.quarantined_row import QuarantinedRow
from crm.models.return_ import Return
from crm.models.return_line import ReturnLine
from crm.models.segment import Segment
from crm.models.segment_member import SegmentMember

__all__ = [
    "AttributeDefinition",
    "ComputedTrait",
    "Customer",
    "Event",
    "EventReject",
    "Identity",
    "ImportRun",
    "Item",
    "Order",
    "OrderLine",
    "OrderSummary",
    "Person",
    "QuarantinedRow",
    "Return",
    "ReturnLine",
    "Segment",
    "SegmentMember",
]
