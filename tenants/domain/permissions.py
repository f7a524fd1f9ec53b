"""What a person or key may do, and which role may do what. Roles live in code: a review sees every change."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    CUSTOMERS_VIEW = "customers:view"
    CUSTOMERS_EDIT = "customers:edit"
    CUSTOMERS_IMPORT = "customers:import"
    CUSTOMERS_MERGE = "customers:merge"
    CONSENTS_EDIT = "consents:edit"
    PRIVACY_VIEW = "privacy:view"
    PRIVACY_MANAGE = "privacy:manage"
    EVENTS_VIEW = "events:view"
    EVENTS_INGEST = "events:ingest"
    EVENTS_MANAGE = "events:manage"
    ORDERS_VIEW = "orders:view"
    ORDERS_EDIT = "orders:edit"
    ITEMS_VIEW = "items:view"
    ITEMS_EDIT = "items:edit"
    FEEDBACK_VIEW = "feedback:view"
    FEEDBACK_EDIT = "feedback:edit"
    SEGMENTS_VIEW = "segments:view"
    SEGMENTS_EDIT = "segments:edit"
    POINTS_VIEW = "points:view"
    POINTS_ADJUST = "points:adjust"
    POINTS_APPROVE = "points:approve"
    POINTS_MOVE = "points:move"
    PROGRAM_VIEW = "program:view"
    PROGRAM_EDIT = "program:edit"
    PROGRAM_PUBLISH = "program:publish"
    TIERS_LOCK = "tiers:lock"
    CHALLENGES_EDIT = "challenges:edit"
    MEMBER_TOKENS_MINT = "member_tokens:mint"
    MEMBER_SELF = "member:self"
    REWARDS_VIEW = "rewards:view"
    REWARDS_REDEEM = "rewards:redeem"
    COUPONS_VIEW = "coupons:view"
    COUPONS_EDIT = "coupons:edit"
    COUPONS_REDEEM = "coupons:redeem"
    REVIEWS_DECIDE = "reviews:decide"
    RECOMMENDATIONS_VIEW = "recommendations:view"
    MODELS_VIEW = "models:view"
    MODELS_TRAIN = "models:train"
    JOBS_VIEW = "jobs:view"
    DATA_EXPORT = "data:export"
    TEAM_VIEW = "team:view"
    TEAM_MANAGE = "team:manage"
    API_KEYS_MANAGE = "api_keys:manage"
    AUDIT_VIEW = "audit:view"
    # Where the installation allows it; operators may anyhow.
    TENANTS_OPEN = "tenants:open"


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MARKETER = "marketer"
    SUPPORT = "support"
    ANALYST = "analyst"


_READ = frozenset(
    {
        Permission.CUSTOMERS_VIEW,
        Permission.EVENTS_VIEW,
        Permission.ORDERS_VIEW,
        Permission.ITEMS_VIEW,
        Permission.FEEDBACK_VIEW,
        Permission.SEGMENTS_VIEW,
        Permission.POINTS_VIEW,
        Permission.PROGRAM_VIEW,
        Permission.REWARDS_VIEW,
        Permission.COUPONS_VIEW,
        Permission.RECOMMENDATIONS_VIEW,
        Permission.MODELS_VIEW,
        Permission.JOBS_VIEW,
    }
)
_ALL = frozenset(Permission)

PERMISSIONS_BY_ROLE: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL - {Permission.TEAM_MANAGE, Permission.TENANTS_OPEN} | {Permission.TEAM_VIEW},
    Role.MARKETER: _READ
    | {
        Permission.SEGMENTS_EDIT,
        Permission.PROGRAM_EDIT,
        Permission.TIERS_LOCK,
        Permission.COUPONS_EDIT,
        Permission.ITEMS_EDIT,
        Permission.CUSTOMERS_IMPORT,
        Permission.DATA_EXPORT,
        Permission.MODELS_TRAIN,
        Permission.TEAM_VIEW,
    },
    Role.SUPPORT: _READ
    | {
        Permission.CUSTOMERS_EDIT,
        Permission.TIERS_LOCK,
        Permission.CHALLENGES_EDIT,
        Permission.CUSTOMERS_MERGE,
        Permission.FEEDBACK_EDIT,
        Permission.CONSENTS_EDIT,
        Permission.PRIVACY_VIEW,
        Permission.POINTS_ADJUST,
        Permission.REWARDS_REDEEM,
        Permission.COUPONS_REDEEM,
        Permission.REVIEWS_DECIDE,
        Permission.TEAM_VIEW,
    },
    Role.ANALYST: _READ,
}

# A publishable key ships inside client apps: it writes events and, with a member token, reads what is theirs.
PUBLISHABLE_SCOPES: frozenset[Permission] = frozenset({Permission.EVENTS_INGEST, Permission.MEMBER_SELF})
# A secret key never manages people or keys, whatever scopes somebody asks for.
SECRET_SCOPES: frozenset[Permission] = _ALL - {
    Permission.TEAM_VIEW,
    Permission.TEAM_MANAGE,
    Permission.API_KEYS_MANAGE,
    Permission.AUDIT_VIEW,
    Permission.TENANTS_OPEN,
}
