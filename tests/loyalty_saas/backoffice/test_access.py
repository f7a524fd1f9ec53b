"""Every page of the back office: who gets in, who does not, and that no page is missing from this table."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import URLPattern, URLResolver

from loyalty_saas.urls import staff as staff_urls
from tenants.domain.actors import Actor
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission, Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import signed_in
from tests.loyalty_saas.backoffice.filling import Filled

P = Permission
READ_PAGES: dict[str, Permission] = {
    "admin:index": P.CUSTOMERS_VIEW,
    "admin:search": P.CUSTOMERS_VIEW,
    "customers": P.CUSTOMERS_VIEW,
    "customer": P.CUSTOMERS_VIEW,
    "points_adjust": P.POINTS_ADJUST,
    "customer_points": P.POINTS_VIEW,
    "adjustments": P.POINTS_VIEW,
    "liability": P.PROGRAM_VIEW,
    "points_statement": P.PROGRAM_VIEW,
    "orders": P.ORDERS_VIEW,
    "order": P.ORDERS_VIEW,
    "items": P.ITEMS_VIEW,
    "segments": P.SEGMENTS_VIEW,
    "cohorts": P.SEGMENTS_VIEW,
    "funnels": P.SEGMENTS_VIEW,
    "segment": P.SEGMENTS_VIEW,
    "segment_create": P.SEGMENTS_EDIT,
    "segment_create_static": P.SEGMENTS_EDIT,
    "feedback": P.FEEDBACK_VIEW,
    "recovery": P.FEEDBACK_VIEW,
    "feedback_topics": P.FEEDBACK_VIEW,
    "feedback_topic_create": P.FEEDBACK_EDIT,
    "feedback_topic": P.FEEDBACK_EDIT,
    "recovery_case": P.FEEDBACK_VIEW,
    "events": P.EVENTS_VIEW,
    "events_tail": P.EVENTS_VIEW,
    "event_reject": P.EVENTS_MANAGE,
    "event_schemas": P.EVENTS_VIEW,
    "event_schema": P.EVENTS_VIEW,
    "segment_edit": P.SEGMENTS_EDIT,
    "segment_overlap": P.SEGMENTS_VIEW,
    "imports": P.CUSTOMERS_VIEW,
    "import": P.CUSTOMERS_VIEW,
    "import_progress": P.CUSTOMERS_VIEW,
    "import_create": P.CUSTOMERS_IMPORT,
    "exports": P.DATA_EXPORT,
    "export_create": P.DATA_EXPORT,
    "import_map": P.CUSTOMERS_IMPORT,
    "import_failed_rows": P.CUSTOMERS_IMPORT,
    "program": P.PROGRAM_VIEW,
    "program_revision": P.PROGRAM_VIEW,
    "program_edit": P.PROGRAM_EDIT,
    "program_publish": P.PROGRAM_PUBLISH,
    "program_rule": P.PROGRAM_EDIT,
    "program_challenge": P.PROGRAM_EDIT,
    "program_ladder": P.PROGRAM_EDIT,
    "tier_preview": P.PROGRAM_VIEW,
    "challenges": P.PROGRAM_VIEW,
    "challenge": P.PROGRAM_VIEW,
    "tiers": P.PROGRAM_VIEW,
    "tier_lock": P.TIERS_LOCK,
    "program_brake": P.PROGRAM_EDIT,
    "program_import": P.PROGRAM_EDIT,
    "program_export": P.PROGRAM_VIEW,
    "program_simulate": P.PROGRAM_VIEW,
    "program_compare": P.PROGRAM_VIEW,
    "rewards": P.REWARDS_VIEW,
    "choices": P.COUPONS_VIEW,
    "reward": P.PROGRAM_EDIT,
    "reward_create": P.PROGRAM_EDIT,
    "reward_draft": P.PROGRAM_EDIT,
    "redemptions": P.REWARDS_VIEW,
    "coupons": P.COUPONS_VIEW,
    "coupon": P.COUPONS_EDIT,
    "coupon_create": P.COUPONS_EDIT,
    "coupon_draft": P.COUPONS_EDIT,
    "coupon_campaigns": P.COUPONS_VIEW,
    "coupon_campaign": P.COUPONS_EDIT,
    "coupon_campaign_create": P.COUPONS_EDIT,
    "coupon_campaign_draft": P.COUPONS_EDIT,
    "coupon_pools": P.COUPONS_VIEW,
    "coupon_pool_create": P.COUPONS_EDIT,
    "coupon_lookup": P.COUPONS_VIEW,
    "referrals": P.REWARDS_VIEW,
    "referral_settings": P.PROGRAM_EDIT,
    "referral_reject": P.REVIEWS_DECIDE,
    "reviews": P.REVIEWS_DECIDE,
    "review": P.REVIEWS_DECIDE,
    "velocity_limits": P.PROGRAM_EDIT,
    "models": P.MODELS_VIEW,
    "model_version": P.MODELS_VIEW,
    "jobs": P.JOBS_VIEW,
    "job": P.JOBS_VIEW,
    "job_live": P.JOBS_VIEW,
    "job_progress": P.JOBS_VIEW,
    "team": P.TEAM_VIEW,
    "team_invite": P.TEAM_MANAGE,
    "team_remove": P.TEAM_MANAGE,
    "api_keys": P.API_KEYS_MANAGE,
    "api_key_create": P.API_KEYS_MANAGE,
    "api_key_revoke": P.API_KEYS_MANAGE,
    "audit": P.AUDIT_VIEW,
    "onboarding": P.PROGRAM_PUBLISH,
}
READ_PAGES |= {
    "duplicates": P.CUSTOMERS_VIEW,
    "merges": P.CUSTOMERS_VIEW,
    "customer_merge": P.CUSTOMERS_MERGE,
    "customer_erase": P.PRIVACY_MANAGE,
    "privacy": P.PRIVACY_VIEW,
    "privacy_archive": P.PRIVACY_MANAGE,
    "retention": P.PRIVACY_VIEW,
    "customer_policy": P.PRIVACY_VIEW,
}
POST_ONLY: dict[str, Permission] = {
    "redemption_step": P.REWARDS_REDEEM,
    "customer_challenge": P.CHALLENGES_EDIT,
    "coupon_campaign_recipients": P.COUPONS_EDIT,
    "coupon_pool_download": P.COUPONS_EDIT,
    "duplicates_review": P.CUSTOMERS_MERGE,
    "merge_undo": P.CUSTOMERS_MERGE,
    "customer_consent": P.CONSENTS_EDIT,
    "customer_export": P.PRIVACY_MANAGE,
    "privacy_cancel": P.PRIVACY_MANAGE,
    "event_rejects_replay": P.EVENTS_MANAGE,
    "program_copy": P.PROGRAM_EDIT,
    "program_step": P.PROGRAM_EDIT,
    "program_take_in": P.PROGRAM_EDIT,
    "offer_drop": P.PROGRAM_EDIT,
    "program_brake_release": P.PROGRAM_EDIT,
    "program_self_approval": P.TEAM_MANAGE,
    "program_rehearsal_policy": P.TEAM_MANAGE,
    "segment_count": P.SEGMENTS_EDIT,
    "segment_tree": P.SEGMENTS_EDIT,
    "segment_snapshot": P.SEGMENTS_EDIT,
    "segments_refresh": P.SEGMENTS_EDIT,
    "feedback_correct": P.FEEDBACK_EDIT,
    "feedback_topic_delete": P.FEEDBACK_EDIT,
    "recovery_take": P.FEEDBACK_EDIT,
    **dict.fromkeys(
        ("import_preview", "import_check", "import_load", "import_undo", "import_retry", "import_discard"),
        P.CUSTOMERS_IMPORT,
    ),
    "models_train": P.MODELS_TRAIN,
    "job_cancel": P.MODELS_TRAIN,
    "team_role": P.TEAM_MANAGE,
}
# A file, or a way back to the list.
FILES = {"export_download": P.DATA_EXPORT}
WITH_REVISION = {
    "program_revision", "program_publish", "program_export", "program_simulate", "tier_preview",
}  # fmt: skip
WITH_REVISION = {
    "program_revision",
    "program_publish",
    "program_export",
    "program_simulate",
    "tier_preview",
}
# A file, or a way back to the list.
FILES = {"export_download": P.DATA_EXPORT}
ARGUMENTS: dict[str, list[object]] = {
    "choices": ["coupon"], "program_copy": [1], "program_compare": [1, 1],
    "program_step": [1, "submit"], "reward_draft": ["mug"],
    "coupon_draft": ["coupon-1"], "coupon_campaign_draft": ["campaign-1"],
    "offer_drop": ["rewards", "mug"],
}  # fmt: skip
# What one looked up before a copy is theirs alone: `test_program_copies` asks who reads it.
WITHOUT_PAGE = {"set_language", "program_copy_look"}


def address(name: str, filled: Filled, slug: str | None = None) -> str:
    ids = filled.ids() | dict.fromkeys(WITH_REVISION, 1)
    arguments = ARGUMENTS.get(name) or ([ids[name]] if name in ids else [])
    path = reverse(name, args=arguments, urlconf="loyalty_saas.urls.staff")
    return f"/t/{slug or filled.tenant.slug}{path}"


def routes(patterns: list[Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            found |= routes(pattern.url_patterns, prefix + inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(prefix + pattern.name)
    return found


def test_every_route_is_in_the_table() -> None:
    assert routes(staff_urls.urlpatterns) == {*READ_PAGES, *POST_ONLY, *FILES, *WITHOUT_PAGE}


def test_anonymous_is_sent_to_sign_in(filled: Filled) -> None:
    for name in READ_PAGES | POST_ONLY | FILES:
        response = Client().get(address(name, filled))
        assert response.status_code == 302, name
        assert response["Location"].startswith("/accounts/login/?next=/t/acme/"), name


def test_member_of_another_tenant_finds_nothing(filled: Filled, other_tenant: Tenant, actor: Actor) -> None:
    outsider = signed_in(other_tenant, actor, Role.OWNER)
    for name in READ_PAGES | POST_ONLY | FILES:
        assert outsider.get(address(name, filled)).status_code == 404, name
        assert outsider.post(address(name, filled)).status_code == 404, name


def test_owner_sees_every_page_under_a_strict_policy(filled: Filled, staff: Client) -> None:
    for name in READ_PAGES:
        response = staff.get(address(name, filled))
        assert response.status_code == 200, name
        policy = response["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "script-src 'self' 'unsafe-eval'", "object-src 'none'"} <= set(policy)


@pytest.mark.parametrize("role", [Role.ANALYST, Role.SUPPORT, Role.MARKETER, Role.ADMIN])
def test_role_decides(role: Role, filled: Filled, actor: Actor) -> None:
    client = signed_in(filled.tenant, actor, role)
    for name, permission in READ_PAGES.items():
        expected = 200 if permission in PERMISSIONS_BY_ROLE[role] else 403
        assert client.get(address(name, filled)).status_code == expected, name
    for name, permission in POST_ONLY.items():
        if permission not in PERMISSIONS_BY_ROLE[role]:
            assert client.post(address(name, filled)).status_code == 403, name


def test_another_tenants_id_is_not_found(filled: Filled, other_filled: Filled, staff: Client) -> None:
    # A rule's key means the tenant's own rule wherever it stands.
    with_keys = {"program_rule", "program_challenge", "challenge"}
    for name in (READ_PAGES | FILES).keys() & other_filled.ids().keys() - with_keys:
        assert staff.get(address(name, other_filled, slug="acme")).status_code == 404, name


@pytest.mark.parametrize(
    "name", ["job_cancel", "team_role", "team_remove", "api_key_revoke", "points_adjust"]
)
def test_another_tenants_id_cannot_be_changed(
    name: str, filled: Filled, other_filled: Filled, staff: Client
) -> None:
    body = {"role": "owner", "confirmation": "Canary key 1", "points": "5", "reason": "x", "token": "t"}
    assert staff.post(address(name, other_filled, slug="acme"), body).status_code == 404
    with tenant_scope(other_filled.tenant):
        other_filled.key.refresh_from_db()
        other_filled.member.refresh_from_db()
        other_filled.job.refresh_from_db()
    assert other_filled.key.revoked_at is None
    assert other_filled.member.role == Role.ANALYST
    assert not other_filled.job.is_cancel_requested
