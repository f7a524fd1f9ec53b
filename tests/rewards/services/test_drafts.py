"""Drafts that fell behind what was published meanwhile, and codes that two offers of one draft want."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.domain import document_merging
from rewards.domain.offers import OfferedCoupon, OfferedReward, RewardKind
from rewards.domain.rules import GivePoints
from rewards.domain.sizes import MOST_BY_SECTION
from rewards.models import CouponKind, Program, ProgramRevision, RehearsalPolicy, RevisionState
from rewards.queries import behind
from rewards.queries import programs as program_queries
from rewards.services import drafts, offer_changes, offer_drafts, program_reviews, programs
from rewards.services.coupons.definition_terms import DefinitionTerms, columns_of
from rewards.services.coupons.definitions import CodeTaken
from rewards.services.drafts import DraftClashes
from rewards.services.programs import ApprovalStale, DraftBehind, RevisionNotDraft
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Tenant
from tests.rewards.factories import NOW

pytestmark = pytest.mark.django_db


def rule(key: str, points: int = 1) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "wallet": "points", "points": points}


def document(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"wallets": [{"key": "points", "name": "Points"}], "rules": list(rules), **more}


def save(*rules: dict[str, Any], **more: Any) -> ProgramRevision:
    return programs.save_draft(document=document(*rules, **more), by=SYSTEM, at=NOW)


def publish(*rules: dict[str, Any], **more: Any) -> ProgramRevision:
    return programs.publish(revision=save(*rules, **more), by=SYSTEM, at=NOW)


def gives(row: ProgramRevision) -> dict[str, int]:
    """What the rules of a revision give."""
    rules = program_queries.revision_of(row).rules
    return {each.key: each.points.points for each in rules if isinstance(each.points, GivePoints)}


def coupon(key: str, code: str) -> OfferedCoupon:
    terms = columns_of(DefinitionTerms(name=key.title(), kind=CouponKind.SHIPPING, uses_per_code=None))
    said = {name: value for name, value in terms.items() if name not in {"name", "kind"}}
    return OfferedCoupon(key, key.title(), "shipping", said, (), code)


@pytest.fixture(autouse=True)
def alone(scope: Tenant) -> None:
    """Let one person approve what they wrote, without a rehearsal."""
    publish(rule("a"), rule("b"))
    Program.objects.update(allows_self_approval=True, rehearsal_policy=RehearsalPolicy.ACKNOWLEDGE)


@pytest.fixture
def merges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each merge."""
    counted: list[int] = []
    merge = document_merging.merge

    def counting(*sides: Any) -> Any:
        counted.append(1)
        return merge(*sides)

    monkeypatch.setattr(document_merging, "merge", counting)
    return counted


def test_what_fell_behind_is_merged_once_however_often_it_is_shown(actor: Actor, merges: list[int]) -> None:
    draft = save(rule("a", 3), rule("b", 11))
    publish(rule("a", 4), rule("b", 12))
    for _view in range(3):
        found = behind.of(ProgramRevision.objects.get(pk=draft.pk), program_queries.current())
        assert found is not None
        assert [clash.path for clash in found.clashes] == ["rules/a", "rules/b"]
    assert len(merges) == 1
    # What is saved meanwhile is no longer what was merged.
    programs.save_draft(document=document(rule("a", 3), rule("b")), revision=draft, by=actor, at=NOW)
    found = behind.of(ProgramRevision.objects.get(pk=draft.pk), program_queries.current())
    assert found is not None
    assert [clash.path for clash in found.clashes] == ["rules/a"]
    merges.clear()
    drafts.bring_up_to_date(revision=draft, choices={"rules/a": "draft"}, by=actor, at=NOW)
    assert len(merges) == 1


def test_a_draft_that_fell_behind_is_neither_published_nor_sent_to_review(actor: Actor) -> None:
    draft = save(rule("a", 2), rule("b"))
    publish(rule("a"), rule("b", 7))
    for refused in (programs.publish, program_reviews.submit):
        with pytest.raises(DraftBehind) as refusal:
            refused(revision=draft, by=actor, at=NOW)
        assert refusal.value.extra == {"base": 1, "current": 3}
    found = behind.of(draft, program_queries.current())
    assert found is not None
    assert [(change.section, change.key) for change in found.changes] == [("rules", "b")]
    assert found.clashes == ()
    row = drafts.bring_up_to_date(revision=draft, by=actor, at=NOW)
    assert (gives(row), row.base_number, row.state) == ({"a": 2, "b": 7}, 3, "draft")
    assert behind.of(row, program_queries.current()) is None
    published = programs.publish(revision=row, acknowledges=True, by=actor, at=NOW)
    assert gives(published) == {"a": 2, "b": 7}
    diff = AuditEntry.objects.get(action="program.draft_updated").diff
    assert diff == {"base": [1, 3]}


def test_who_means_it_undoes_what_was_published_since(actor: Actor) -> None:
    draft = save(rule("a", 2), rule("b"))
    publish(rule("a"), rule("b", 7))
    row = programs.publish(revision=draft, undoes_newer=True, acknowledges=True, by=actor, at=NOW)
    assert (gives(row), row.base_number) == ({"a": 2, "b": 1}, 3)
    assert AuditEntry.objects.get(action="program.newer_undone").diff == {"base": [1, 3]}


def test_what_both_changed_is_named_and_chosen(actor: Actor) -> None:
    draft = save(rule("a", 2), rule("b", 2), rule("mine"))
    publish(rule("a", 3), rule("b"), rule("theirs"))
    with pytest.raises(DraftClashes) as refusal:
        drafts.bring_up_to_date(revision=draft, by=actor, at=NOW)
    (clash,) = refusal.value.extra["clashes"]
    assert (clash["path"], clash["draft"]["effects"][0]["points"]) == ("rules/a", 2)
    assert clash["in_force"]["effects"][0]["points"] == 3
    for choices in ({"rules/b": "draft"}, {"rules/a": "mine"}):
        with pytest.raises(InvalidInput):
            drafts.bring_up_to_date(revision=draft, choices=choices, by=actor, at=NOW)
    row = drafts.bring_up_to_date(revision=draft, choices={"rules/a": "in_force"}, by=actor, at=NOW)
    assert gives(row) == {"a": 3, "b": 2, "mine": 1, "theirs": 1}


def test_a_revision_in_review_is_given_back_before_it_is_brought_up_to_date(actor: Actor) -> None:
    draft = save(rule("a", 2), rule("b"))
    program_reviews.submit(revision=draft, by=actor, at=NOW)
    publish(rule("a"), rule("b", 7))
    with pytest.raises(ApprovalStale):
        program_reviews.approve(revision=draft, acknowledges=True, by=actor, at=NOW)
    with pytest.raises(RevisionNotDraft):
        drafts.bring_up_to_date(revision=draft, by=actor, at=NOW)
    program_reviews.request_changes(revision=draft, comment="behind", by=actor, at=NOW)
    assert gives(drafts.bring_up_to_date(revision=draft, by=actor, at=NOW)) == {"a": 2, "b": 7}


def test_a_draft_that_begins_with_one_in_review_is_based_on_what_that_is(actor: Actor) -> None:
    """Else what was published while the first one was in review would be gone without a word."""
    first = save(rule("a", 2), rule("b"))
    program_reviews.submit(revision=first, by=actor, at=NOW)
    publish(rule("a"), rule("b", 7))
    mug = OfferedReward("mug", "Mug", RewardKind.PRODUCT, "points", 5)
    drafted = offer_drafts.put(mug, by=actor, at=NOW)
    assert (drafted.number, drafted.behind) == (4, 3)
    row = ProgramRevision.objects.get(number=4)
    assert row.base_number == 1
    merged = drafts.bring_up_to_date(revision=row, by=actor, at=NOW)
    assert (gives(merged), merged.document["rewards"][0]["key"]) == ({"a": 2, "b": 7}, "mug")


def test_a_roll_back_needs_no_word_about_what_it_undoes(actor: Actor) -> None:
    publish(rule("a", 5))
    row = programs.roll_back(to=ProgramRevision.objects.get(number=1), by=actor, at=NOW)
    assert (gives(row), row.state) == ({"a": 1, "b": 1}, RevisionState.PUBLISHED)


def test_two_offers_of_one_draft_cannot_have_one_code(actor: Actor) -> None:
    offer_changes.create(offer=coupon("one", "SUMMER"), by=actor, at=NOW)
    for wanted in ("SUMMER", " summer "):
        with pytest.raises(CodeTaken) as refusal:
            offer_changes.create(offer=coupon("two", wanted), by=actor, at=NOW)
        assert [(each.pointer, each.code) for each in refusal.value.errors] == [
            ("/generic_code", "code_taken")
        ]
    assert refusal.value.status == 409
    # One's own code is no clash, nor is one that the other gave up.
    offer_changes.create(offer=coupon("one", "WINTER"), by=actor, at=NOW)
    offer_changes.create(offer=coupon("two", "SUMMER"), by=actor, at=NOW)
    with pytest.raises(CodeTaken):
        offer_drafts.put(coupon("x", "A1"), coupon("y", "a1"), by=actor, at=NOW)


def test_a_program_that_is_too_large_is_refused_and_may_be_made_smaller(actor: Actor) -> None:
    many = [rule(f"r{number}") for number in range(MOST_BY_SECTION["rules"] + 1)]
    with pytest.raises(InvalidInput) as refusal:
        save(*many)
    assert [(each.pointer, each.code, each.detail) for each in refusal.value.errors] == [
        ("/document/rules", "too_many", "At most 500, not 501.")
    ]
    draft = save(*many[:-1])
    # One from before there was a limit.
    ProgramRevision.objects.filter(pk=draft.pk).update(document=document(*many, rule("more")))
    shorter = programs.save_draft(document=document(*many), revision=draft, by=actor, at=NOW)
    assert len(shorter.document["rules"]) == 501
    with pytest.raises(InvalidInput):
        programs.save_draft(document=document(*many, rule("more")), revision=draft, by=actor, at=NOW)
