"""Permissions in words, for choosing what an API key may do."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.domain.permissions import Permission

LABEL_BY_PERMISSION: Final[dict[Permission, str | Promise]] = {
    Permission.CUSTOMERS_VIEW: _("Read customers"),
    Permission.CUSTOMERS_EDIT: _("Change customers"),
    Permission.CUSTOMERS_IMPORT: _("Import files"),
    Permission.CUSTOMERS_MERGE: _("Merge customers"),
    Permission.CONSENTS_EDIT: _("Record consents"),
    Permission.PRIVACY_VIEW: _("Read privacy requests"),
    Permission.PRIVACY_MANAGE: _("Export and erase customers"),
    Permission.FEEDBACK_VIEW: _("Read feedback"),
    Permission.FEEDBACK_EDIT: _("Record and answer feedback"),
    Permission.EVENTS_VIEW: _("Read events"),
    Permission.EVENTS_INGEST: _("Send events"),
    Permission.EVENTS_MANAGE: _("Lock event schemas and replay rejects"),
    Permission.ORDERS_VIEW: _("Read orders"),
    Permission.ORDERS_EDIT: _("Record orders and returns"),
    Permission.ITEMS_VIEW: _("Read items"),
    Permission.ITEMS_EDIT: _("Change items"),
    Permission.SEGMENTS_VIEW: _("Read segments"),
    Permission.SEGMENTS_EDIT: _("Change segments"),
    Permission.POINTS_VIEW: _("Read points"),
    Permission.POINTS_ADJUST: _("Adjust points"),
    Permission.POINTS_APPROVE: _("Approve adjustments of points"),
    Permission.POINTS_MOVE: _("Earn, spend and hold points"),
    Permission.PROGRAM_VIEW: _("Read the program"),
    Permission.PROGRAM_EDIT: _("Draft the program"),
    Permission.PROGRAM_PUBLISH: _("Publish the program"),
    Permission.TIERS_LOCK: _("Lock tiers"),
    Permission.CHALLENGES_EDIT: _("Enter customers in challenges"),
    Permission.MEMBER_TOKENS_MINT: _("Sign members in"),
    Permission.MEMBER_SELF: _("Show members what is theirs"),
    Permission.REWARDS_VIEW: _("Read rewards"),
    Permission.REWARDS_REDEEM: _("Redeem rewards"),
    Permission.COUPONS_VIEW: _("Read coupons"),
    Permission.COUPONS_EDIT: _("Change coupons"),
    Permission.COUPONS_REDEEM: _("Use coupons"),
    Permission.REVIEWS_DECIDE: _("Decide reviews"),
    Permission.RECOMMENDATIONS_VIEW: _("Read recommendations"),
    Permission.MODELS_VIEW: _("Read models"),
    Permission.MODELS_TRAIN: _("Train models"),
    Permission.JOBS_VIEW: _("Read jobs"),
    Permission.DATA_EXPORT: _("Export lists"),
    Permission.TEAM_VIEW: _("See the team"),
    Permission.TEAM_MANAGE: _("Manage the team"),
    Permission.API_KEYS_MANAGE: _("Manage API keys"),
    Permission.AUDIT_VIEW: _("Read the audit log"),
    Permission.TENANTS_OPEN: _("Open another tenant"),
}
