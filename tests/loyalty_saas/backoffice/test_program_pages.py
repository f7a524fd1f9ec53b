"""Building a program without code: sections, rules, and what the forms write."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils.translation import override

from rewards.domain.documents import to_json
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions, programs
from rewards.services import programs as program_services
from rewards.services import rehearsals
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Role
from tenants.models import AuditEntry, Job
from tenants.scope import tenant_scope
from tests.conftest import NOW, signed_in
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address


def form_body(context: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What the browser would send back unchanged."""
    body: dict[str, Any] = {}
    for name in names:
        part = context[name]
        forms = [part.management_form, *part.forms] if hasattr(part, "management_form") else [part]
        for field in [field for form in forms for field in form]:
            value = field.value()
            if value is not None and value is not False:
                body[field.html_name] = value if isinstance(value, list) else str(value)
    return body


def program_form(client: Client, filled: Filled) -> dict[str, Any]:
    context = client.get(address("program_edit", filled)).context
    return form_body(context, ("wallets", "tiers", "budgets", "member_caps", "policies"))


def rule_form(client: Client, filled: Filled) -> dict[str, Any]:
    context = client.get(address("program_rule", filled)).context
    return form_body(context, ("form", "deep", "conditions", "lines", "grants", "caps"))


def test_unchanged_form_saves_the_same_program(filled: Filled, staff: Client) -> None:
    staff.post(address("program_edit", filled), program_form(staff, filled))
    assert staff.post(address("program_rule", filled), rule_form(staff, filled)).status_code == 302
    with tenant_scope(filled.tenant):
        published, draft = ProgramRevision.objects.order_by("number")
    assert draft.state == "draft"
    page = staff.get(f"/t/acme/program/{draft.number}/").context["program"]
    before = staff.get(f"/t/acme/program/{published.number}/").context["program"]
    assert (page["rules"], page["tiers"], page["wallets"]) == (
        before["rules"],
        before["tiers"],
        before["wallets"],
    )


def add_row(body: dict[str, Any], prefix: str, **values: str) -> None:
    number = int(body[f"{prefix}-TOTAL_FORMS"])
    body[f"{prefix}-TOTAL_FORMS"] = str(number + 1)
    body |= {f"{prefix}-{number}-{name}": value for name, value in values.items()}


def test_rule_edited_then_published(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"points": "3", "per_amount": "2.50", "group": "base"}
    add_row(body, "conditions", group="A", fact="order.total_minor", op="gte", value="20")
    add_row(body, "conditions", group="B", fact="member.tier", op="eq", value="gold")
    add_row(body, "conditions", group="B", fact="trait", name="clv", op="gt", value="0.5")
    add_row(body, "conditions", group="C", fact="basket.units.brand", name="Oats", op="gte", value="2")
    body |= {"mode_B": "any", "mode_C": "none"}
    add_row(body, "caps", limit="2", of="times", per="week")
    add_row(body, "grants", kind="message", key="thanks", amount="")
    assert staff.post(address("program_rule", filled), body)["Location"] == "/t/acme/program/edit/"
    rule = staff.get("/t/acme/program/2/").context["program"]["rules"][0]
    assert rule["earning"] == "3 points per $2.50 spent"
    assert rule["conditions"] == [
        "order total at least $20.00",
        "tier is gold or computed trait clv more than 0.5",
        "not (units of [brand is one of Oats] at least 2)",
    ]
    assert rule["limits"] == ["at most 2 times a week", "only the first of group base"]
    assert rule["grants"] == ["Message trigger thanks"]
    again = rule_form(staff, filled)
    assert staff.post(address("program_rule", filled), again).status_code == 302
    assert staff.get("/t/acme/program/2/").context["program"]["rules"][0] == rule
    changes = staff.get("/t/acme/program/2/compare/1/").context["changes"]
    # The first draft takes in the coupon and the campaign that were made outside.
    assert [(change["kind"], change["name"]) for change in changes] == [
        ("changed", "Points for purchases"), ("added", "Ownmark coupon 1"), ("added", "Ownmark campaign 1"),
    ]  # fmt: skip
    assert changes[0]["parts"][0][1:] == ("1 point per $1.00 spent", "3 points per $2.50 spent")


def step(client: Client, name: str, **body: str) -> None:
    assert client.post(f"/t/acme/program/2/steps/{name}/", body).status_code == 302, name


def state_of(filled: Filled, number: int = 2) -> str:
    with tenant_scope(filled.tenant):
        return ProgramRevision.objects.get(number=number).state


def rehearse(filled: Filled, actor: Actor) -> None:
    rehearsals.rehearse(
        tenant=filled.tenant, number=2, days=30, by=actor, label="m", at=NOW, progress=lambda *_: None
    )


def test_two_people_publish_a_rehearsed_revision(filled: Filled, staff: Client, actor: Actor) -> None:
    marketer = signed_in(filled.tenant, actor, Role.MARKETER)
    assert marketer.post(address("program_edit", filled), program_form(marketer, filled)).status_code == 302
    step(marketer, "submit")
    assert state_of(filled) == "draft"
    step(marketer, "rehearse", days="30")
    rehearse(filled, actor)
    assert state_of(filled) == "rehearsed"
    page = marketer.get("/t/acme/program/2/")
    assert page.context["rehearsal"].result["points"] == {"given": 110, "taken": 0}
    row = [text.strip() for text in re.findall(r"<td[^>]*>([^<]*)<", page.content.decode())]
    first = row.index("Points")
    assert row[first : first + 9] == ["Points", "110", "0", "110", "110", "0", "0", "0", "110"]
    step(marketer, "submit", note="More points")
    assert marketer.post("/t/acme/program/2/steps/approve/", {}).status_code == 403
    assert state_of(filled) == "in_review"
    step(staff, "request-changes", comment="Why?")
    assert state_of(filled) == "changes_requested"
    step(marketer, "rehearse", days="30")
    rehearse(filled, actor)
    step(marketer, "submit")
    step(staff, "approve")
    assert state_of(filled) == "approved"
    assert staff.post("/t/acme/program/2/publish/", {"confirmation": "1"}).status_code == 422
    assert staff.post("/t/acme/program/2/publish/", {"confirmation": "2"}).status_code == 302
    assert (state_of(filled, 1), state_of(filled)) == ("retired", "published")
    assert staff.post("/t/acme/program/1/steps/roll-back/").status_code == 302
    assert (state_of(filled), state_of(filled, 3)) == ("retired", "published")


def test_days_to_rehearse_are_checked_and_told(filled: Filled, staff: Client, actor: Actor) -> None:
    staff.post(address("program_edit", filled), program_form(staff, filled))
    path = "/t/acme/program/2/steps/rehearse/"
    for body in (
        {"days": "0"}, {"days": "-1"}, {"days": "366"}, {"days": "²"}, {"days": "9" * 5000}, {"days": ""}, {},
        {"days": "1", "ends_on": "2999-01-01"}, {"days": "1", "ends_on": "0001-01-01"},
        {"days": "1", "ends_on": "yesterday"},
    ):  # fmt: skip
        answer = staff.post(path, body)
        assert (answer.status_code, answer["Location"]) == (302, "/t/acme/program/2/"), body
        assert staff.get("/t/acme/program/2/").content.decode().count('class="b-message b-error"') == 1
    answer = staff.post(path, {"days": "3", "ends_on": NOW.date().isoformat()})
    assert answer["Location"].startswith("/t/acme/jobs/")
    with tenant_scope(filled.tenant):
        params = Job.objects.latest("id").params
        started = Job.objects.filter(kind="rewards.rehearse").count()
    assert (params["days"], params["is_moved"], started) == (3, False, 1)
    rehearsals.rehearse(
        tenant=filled.tenant, number=2, days=30, by=actor, label="m", at=NOW, progress=lambda *_: None,
        until=NOW - timedelta(days=900), is_moved=True,
    )  # fmt: skip
    page = staff.get("/t/acme/program/2/")
    assert page.context["played"].is_before_live
    text = page.content.decode()
    assert "Nothing had happened in the last 30 days, so these end with the day of the last event." in text
    assert "The program in force was published after these days" in text


def test_a_draft_tells_what_it_changes_until_it_is_published(filled: Filled, staff: Client) -> None:
    staff.post(address("program_rule", filled), rule_form(staff, filled) | {"name": "Twice the points"})
    for path in ("/t/acme/program/2/", "/t/acme/program/2/publish/"):
        changes = staff.get(path, headers={"accept-language": "zh-hans"}).context["changes"]
        # Saved for the first time, it has taken in what was on offer outside of it.
        assert [(str(name), names, count) for name, names, count in changes] == [
            ("赚取规则", ["Twice the points"], 1),
            ("优惠券", ["Ownmark coupon 1"], 1),
            ("优惠券活动", ["Ownmark campaign 1"], 1),
        ]


def test_who_works_alone_allows_it_first(filled: Filled, staff: Client, actor: Actor) -> None:
    staff.post(address("program_edit", filled), program_form(staff, filled))
    staff.post("/t/acme/program/2/publish/", {"confirmation": "2"})
    assert state_of(filled) == "draft"
    staff.post("/t/acme/program/self-approval/", {"allowed": "yes"})
    staff.post("/t/acme/program/2/publish/", {"confirmation": "2"})
    assert state_of(filled) == "draft"
    rehearse(filled, actor)
    staff.post("/t/acme/program/2/publish/", {"confirmation": "2"})
    assert state_of(filled) == "published"
    with tenant_scope(filled.tenant):
        actions = AuditEntry.objects.filter(action__startswith="program.self").order_by("pk")
        assert list(actions.values_list("action", flat=True)) == [
            "program.self_approval_changed",
            "program.self_approved",
        ]


def test_the_simulator_answers_for_a_cart_an_order_and_an_event(filled: Filled, staff: Client) -> None:
    path = "/t/acme/program/1/simulate/"
    cart = {"kind": "cart", "customer": "Ownmark-C1", "cart": "Ownmark-I1; 2; 10.00\nother; 1; 5.00"}
    answer = staff.post(path, cart)
    assert (answer.status_code, answer.context["evaluation"].points) == (200, 25)
    # A new tenant has a program to try before it has customers.
    answer = staff.post(path, {**cart, "customer": ""})
    assert (answer.status_code, answer.context["evaluation"].points) == (200, 125)
    answer = staff.post(path, {"kind": "order", "recorded": "Ownmark-O1"})
    assert answer.context["evaluation"].points == 110
    answer = staff.post(path, {"kind": "event", "customer": "nobody", "event": "x", "properties": "[]"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"customer", "properties"}


def test_an_export_comes_back_as_the_same_draft(filled: Filled, staff: Client) -> None:
    exported = staff.get("/t/acme/program/1/export/").content.decode()
    assert staff.post("/t/acme/program/import/", {"document": exported}).status_code == 302
    assert staff.get("/t/acme/program/2/compare/1/").context["changes"] == []
    wrong = staff.post("/t/acme/program/import/", {"document": '{"wallets": []}'})
    assert wrong.status_code == 422
    assert "At least 1 is needed." in wrong.content.decode()


def test_an_export_comes_back_as_a_file_larger_than_a_form_may_be(
    filled: Filled, staff: Client, settings: Any
) -> None:
    exported = staff.get("/t/acme/program/1/export/").content
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(exported) // 2
    path = "/t/acme/program/import/"
    assert "null" not in str(staff.get(path).context["form"]["document"])
    assert staff.post(path, {"document": exported.decode()}).status_code == 400

    def bring(content: bytes, **beside: str) -> Any:
        return staff.post(path, {"file": SimpleUploadedFile("program.json", content), **beside})

    assert bring(exported).status_code == 302
    assert staff.get("/t/acme/program/2/compare/1/").context["changes"] == []
    for content, said in (
        (b"\xff\xfe{", "The file is not JSON."),
        (b"[" * 100_000, "The file is not JSON."),
        (b'{"wallets": []}', "At least 1 is needed."),
        (exported.replace(b'"points": 1,', b'"points": NaN,'), "The file is not JSON."),
        (b" " * (8 * 1024 * 1024 + 1), "The file is too large."),
        (b'{"rules": [{"points": 1, "points": 2}]}', "The key at /rules/0/points is there twice."),
    ):
        wrong = bring(content)
        assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["file"])
        assert said in wrong.content.decode()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10**6
    twice = '{"wallets": [{"key": "points", "name": "a", "name": "b"}]}'
    for text, said in (
        ('{"wallets": NaN}', "Enter a valid JSON."),
        ("[" * 2_000, "Enter a valid JSON."),
        (twice, "The key at /wallets/0/name is there twice."),
    ):
        pasted = staff.post(path, {"document": text})
        assert (pasted.status_code, list(pasted.context["form"].errors)) == (422, ["document"])
        assert said in pasted.content.decode()
    for answer in (bring(exported, document="{}"), staff.post(path, {})):
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["file"])


def test_rule_is_made_and_removed(filled: Filled, staff: Client) -> None:
    path = address("program_rule", filled).replace("purchase", "new")
    context = staff.get(path).context
    body = form_body(context, ("form", "deep", "conditions", "lines", "grants", "caps"))
    body |= {
        "name": "Review",
        "trigger": "event",
        "event": "review_posted",
        "points_kind": "once",
        "points": "20",
    }
    assert staff.post(path, body).status_code == 302
    rules = staff.get("/t/acme/program/2/").context["program"]["rules"]
    assert [(rule["rule"].key, rule["trigger"]) for rule in rules][2] == ("review", "Event review_posted")
    made = address("program_rule", filled).replace("purchase", "review")
    assert staff.post(made, {"remove": "1"}).status_code == 302
    assert staff.get(made).status_code == 404


def test_a_deep_tree_is_kept_as_json(filled: Filled, staff: Client) -> None:
    leaf = {"order": "number", "op": "eq", "value": 1}
    deep = {"any": [{"all": [leaf, {"not": {"all": [leaf, leaf]}}]}, leaf]}
    body = rule_form(staff, filled) | {"deep-when": json.dumps(deep)}
    assert staff.post(address("program_rule", filled), body).status_code == 302
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get(number=2).document["rules"][0]["when"] == deep
    assert staff.post(address("program_rule", filled), rule_form(staff, filled)).status_code == 302
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get(number=2).document["rules"][0]["when"] == deep


def set_rule(filled: Filled, **members: Any) -> None:
    """Write members of the first rule by a document, as the API and imports do."""
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(number=1).document
        first, *others = document["rules"]
        rule = {"key": first["key"], "name": first["name"], "effects": BUY, **members}
        program_services.save_draft(document={**document, "rules": [rule, *others]}, by=SYSTEM, at=NOW)


def first_rule(filled: Filled) -> dict[str, Any]:
    with tenant_scope(filled.tenant):
        document = ProgramRevision.objects.get(number=2).document
        rule: dict[str, Any] = next(each for each in document["rules"] if each["key"] == "purchase")
        return rule


BUY = [{"type": "points", "wallet": "points", "points": 1, "per_minor": 100}]
WINE, BEER = ({"line": "category", "op": "eq", "value": each} for each in ("WINE", "BEER"))


@pytest.mark.parametrize(
    "lines",
    [
        {"any": [WINE, BEER]},
        {"not": WINE},
        {"not": {"any": [WINE, BEER]}},
        {"any": [{"all": [WINE, {"line": "quantity", "op": "gte", "value": 2}]}, BEER]},
        {"any": [{"all": [WINE, {"not": {"all": [WINE, BEER]}}]}, BEER]},
    ],
)
def test_lines_that_count_are_read_as_they_were_written(
    filled: Filled, staff: Client, lines: dict[str, Any]
) -> None:
    set_rule(filled, lines=lines)
    assert staff.post(address("program_rule", filled), rule_form(staff, filled)).status_code == 302
    assert first_rule(filled)["lines"] == lines


def opened(client: Client, filled: Filled) -> list[bool]:
    """Whether the page shows how groups are read, of the conditions and of those on lines."""
    page = client.get(address("program_rule", filled)).content.decode()
    return [found == " open" for found in re.findall(r"<details( open)?><summary[^>]*>How groups", page)]


def test_how_groups_are_read_is_shown_where_it_is_not_the_usual(filled: Filled, staff: Client) -> None:
    assert opened(staff, filled) == [False, False]
    assert "null" not in rule_form(staff, filled).values()
    set_rule(filled, lines={"any": [WINE, BEER]})
    assert opened(staff, filled) == [False, True]


def test_any_of_the_lines_is_said_without_code(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"lines_mode_A": "any"}
    for category in ("WINE", "BEER"):
        add_row(body, "lines", group="A", fact="line.category", op="eq", value=category)
    assert staff.post(address("program_rule", filled), body).status_code == 302
    assert first_rule(filled)["lines"] == {"any": [WINE, BEER]}


def test_a_rule_for_a_segment_that_is_gone_does_not_become_one_for_everybody(
    filled: Filled, staff: Client
) -> None:
    set_rule(filled, audience=["gone"])
    assert staff.post(address("program_rule", filled), rule_form(staff, filled)).status_code == 302
    assert first_rule(filled)["audience"] == ["gone"]
    body = {name: value for name, value in rule_form(staff, filled).items() if name != "audience"}
    assert staff.post(address("program_rule", filled), body).status_code == 302
    assert "audience" not in first_rule(filled)


def test_a_formula_is_kept_to_its_last_digit(filled: Filled, staff: Client) -> None:
    formula = {
        "type": "formula", "wallet": "points", "rounding": "nearest", "at_least": 1, "at_most": 500,
        "terms": [{"trait": "clv", "weight": "0.0512345678"}, {"order": "units", "weight": "1/3"}],
        "constant": "-1/7",
    }  # fmt: skip
    set_rule(filled, effects=[formula])
    assert staff.post(address("program_rule", filled), rule_form(staff, filled)).status_code == 302
    (kept,) = first_rule(filled)["effects"]
    weights = [Fraction(term.pop("weight")) for term in kept["terms"]]
    assert weights == [Fraction("0.0512345678"), Fraction(1, 3)]
    assert kept == {**formula, "terms": [{"trait": "clv"}, {"order": "units"}]}
    refused = staff.post(address("program_rule", filled), rule_form(staff, filled) | {"constant": "a bit"})
    assert refused.status_code == 422


def test_points_for_each_half_unit_are_refused_and_not_rounded(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"points_kind": "per_units", "points": "3", "per_amount": "2.5"}
    refused = staff.post(address("program_rule", filled), body)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["per_amount"])


def test_wrong_program_names_the_row(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"tier_percent": "diamond = 200"}
    response = staff.post(address("program_rule", filled), body)
    assert response.status_code == 422
    assert response.context["errors"] == [
        "rules › 1 › effects › 1 › tier_percent › diamond: There is no tier with this key."
    ]


def queries_of(client: Client, path: str) -> int:
    asked: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        assert client.get(path).status_code == 200
    return len(asked)


def test_pages_ask_no_more_of_a_longer_program(filled: Filled, staff: Client) -> None:
    staff.post(address("program_edit", filled), program_form(staff, filled))
    names = ("", "edit/", "2/", "2/publish/", "2/compare/1/", "ladder/", "rules/new/")
    paths = [f"/t/acme/program/{name}" for name in names]
    # A process reads a document once.
    staff.get(paths[1])
    before = [queries_of(staff, path) for path in paths]
    assert max(before) <= 24
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(number=2)
        rules = row.document["rules"]
        more = [{**rules[0], "key": f"r{number}", "name": f"R {number}"} for number in range(60)]
        ProgramRevision.objects.filter(pk=row.pk).update(document={**row.document, "rules": [*rules, *more]})
    staff.get(paths[1])
    assert [queries_of(staff, path) for path in paths] == before


def test_what_the_check_says_stands_where_one_publishes(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"points": "1", "per_amount": "1.00"}
    assert staff.post(address("program_rule", filled), body).status_code == 302
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(number=2)
        rules = row.document["rules"]
        twin = {**rules[0], "key": "twin", "name": "Twin", "priority": 101}
        ProgramRevision.objects.filter(pk=row.pk).update(document={**row.document, "rules": [*rules, twin]})
    for path in ("/t/acme/program/2/", "/t/acme/program/2/publish/"):
        page = staff.get(path)
        said = [(each.finding.code, each.subject, each.text) for each in page.context["findings"]]
        assert said == [("overlap", "Twin", f"It pays for the same as “{rules[0]['name']}”.")]
        assert "Pays twice" in page.content.decode()


def test_a_rule_may_end_its_points_by_itself(filled: Filled, staff: Client) -> None:
    body = rule_form(staff, filled) | {"expiry_kind": "rolling"}
    answer = staff.post(address("program_rule", filled), body)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"expiry_months"})
    assert staff.post(address("program_rule", filled), body | {"expiry_months": "1"}).status_code == 302
    with tenant_scope(filled.tenant):
        rule = ProgramRevision.objects.get(number=2).document["rules"][0]
    assert rule["expiry"] == {"kind": "rolling", "months": 1}
    again = rule_form(staff, filled)
    assert (again["expiry_kind"], again["expiry_months"]) == ("rolling", "1")
    change = staff.get("/t/acme/program/2/compare/1/").context["changes"][0]
    assert change["parts"] == [("Points end", "–", "expires 1 month after the day it was earned")]
    # What only the document refuses stands beside the field, too.
    inactive = {"wallets-0-expiry_kind": "inactivity", "wallets-0-expiry_months": "6"}
    staff.post(address("program_rule", filled), again | {"expiry_kind": ""})
    assert (
        staff.post(address("program_edit", filled), program_form(staff, filled) | inactive).status_code == 302
    )
    answer = staff.post(address("program_rule", filled), again)
    assert (answer.status_code, answer.context["errors"]) == (422, [])
    assert set(answer.context["form"].errors) == {"expiry_kind"}


def test_support_may_not_publish(filled: Filled, actor: Actor) -> None:
    marketer = signed_in(filled.tenant, actor, Role.MARKETER)
    marketer.post(address("program_edit", filled), program_form(marketer, filled))
    assert marketer.post("/t/acme/program/2/publish/", {"confirmation": "2"}).status_code == 403
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get(number=2).state == "draft"


def test_a_decision_is_asked_again_from_the_customers_page(filled: Filled, staff: Client) -> None:
    page = staff.get(f"/t/acme/customers/{filled.customer.public_id}/?tab=decisions")
    (why,) = [each for each in page.context["decisions"] if each.source == "Ownmark-O1"]
    link = f"/t/acme/program/1/simulate/?{why.asks_again}"
    assert link.endswith("?kind=order&recorded=Ownmark-O1")
    assert why.tier == "Bronze"
    assert link.replace("&", "&amp;") in page.content.decode()
    order = staff.get(f"/t/acme/orders/{filled.order.public_id}/").content.decode()
    assert link.replace("&", "&amp;") in order
    form = staff.get(link).context["form"]
    assert (form["kind"].value(), form["recorded"].value()) == ("order", "Ownmark-O1")
    with tenant_scope(filled.tenant):
        first = ProgramRevision.objects.get()
        for number in (2, 3):
            ProgramRevision.objects.create(
                program=first.program, number=number, created_at=NOW, updated_at=NOW,
                document={**first.document, "rules": []},
            )  # fmt: skip
    body = {"kind": "order", "recorded": "Ownmark-O1"}
    answer = staff.post("/t/acme/program/2/simulate/", body)
    assert (answer.context["evaluation"].points, answer.context["decided"].points) == (0, 110)
    assert list(answer.context["others"]) == [3, 1]
    assert "Decided when it happened: +110 under revision 1." in answer.content.decode()
    for kind in ("returned", "received", "order"):
        missing = staff.post("/t/acme/program/1/simulate/", {"kind": kind, "recorded": "gone"})
        assert (missing.status_code, set(missing.context["form"].errors)) == (422, {"recorded"})


def test_a_cart_is_imagined_at_any_hour(filled: Filled, staff: Client) -> None:
    """Rules of weekdays, hours and birthdays can be tried on the day they are written."""
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get()
        gift = {"type": "points", "wallet": "points", "points": 7}
        early = {"time": "hour", "op": "lt", "value": 6}
        rules = [{"key": "early", "name": "Early", "when": early, "effects": [gift]}]
        ProgramRevision.objects.create(
            program=row.program,
            number=2,
            created_at=NOW,
            updated_at=NOW,
            document={**row.document, "rules": rules},
        )
    cart = {"kind": "cart", "customer": "Ownmark-C1", "cart": "other; 1; 5.00"}
    for hour, points in (("05:59", 7), ("06:00", 0)):
        answer = staff.post("/t/acme/program/2/simulate/", {**cart, "at": f"2026-03-14T{hour}"})
        assert answer.context["evaluation"].points == points


def test_a_comparison_is_in_words_whatever_changes(filled: Filled, staff: Client) -> None:
    """Money as money, choices by their labels, and nothing by the name it has in the document."""
    with tenant_scope(filled.tenant):
        first = ProgramRevision.objects.get()
        before = {
            **first.document,
            "rules": [],
            "tiers": [{"key": "gold", "name": "Gold", "threshold_minor": 5000}],
            "budgets": [{"key": "b", "name": "Pot", "points": 100}],
            "policies": {"backdating_days": 30},
            "challenges": [{
                "key": "c", "name": "Thrice", "goal": {"kind": "count", "match": {}, "target": 3},
                "rewards": [{"kind": "points", "wallet": "points", "points": 100}],
            }],
        }  # fmt: skip
        after = json.loads(json.dumps(before))
        after["tiers"][0] |= {"threshold_minor": 7000, "perks": {"free_shipping": True, "prices": {"mug": 5}}}
        after["budgets"][0] |= {"period": "week", "when_exhausted": "give_nothing", "money_minor": 250}
        after["policies"] = {"member_caps": [{"wallet": "points", "per": "day", "points": 100}]}
        after["challenges"][0]["goal"] |= {
            "match": {"event": "visit", "where": {"property": "stars", "op": "gte", "value": 4}}
        }
        after["qualification"] = {"window": "calendar_year", "grace_days": 9}
        after["rules"] = [
            {
                "key": "f",
                "name": "Formula",
                "effects": [
                    {
                        "type": "formula",
                        "wallet": "points",
                        "terms": [{"trait": "clv", "weight": "0.5"}],
                        "rounding": "up",
                        "at_most": 9,
                    }
                ],
            }
        ]
        for number, document in ((2, before), (3, after)):
            ProgramRevision.objects.create(
                program=first.program, number=number, created_at=NOW, updated_at=NOW, document=document
            )
    changes = staff.get("/t/acme/program/3/compare/2/").context["changes"]
    told = {
        (change["section"], str(label)): (old, new)
        for change in changes
        for label, old, new in change["parts"]
    }
    assert told["Tier", "Needs"] == ("$50.00 of spend", "$70.00 of spend")
    assert told["Tier", "Own prices of rewards"] == ("–", "mug for 5 points")
    assert told["Budget", "Counts over"] == ("a month", "a week")
    assert told["Budget", "Most money"] == ("–", "$2.50")
    assert told["Policies", "Limits for one member"] == ("–", "points: at most 100 points a day")
    assert told["Challenge", "Goal"] == ("3 × orders", "3 × visit [stars at least 4]")
    assert told["Tier qualification", "Counted over"] == ("the last 365 days", "the calendar year")
    assert told["Rule", "Gives"][1].endswith("0.5 × computed trait clv + 0, rounded up, at most 9")
    with override("en"):  # What the request activates ends here.
        chinese = staff.get("/t/acme/program/3/compare/2/", headers={"accept-language": "zh-hans"})
        labels = {str(part[0]) for change in chinese.context["changes"] for part in change["parts"]}
    assert not [label for label in labels if label.isascii()]


def test_a_thousand_new_coupons_are_compared_by_their_names(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        current = programs.current()
        assert current is not None
        document = to_json(compiled_revisions.revision_of(current))
        document["coupons"] = [
            {"key": f"c{number}", "name": f"Coupon {number}", "kind": "percent", "percent_hundredths": 500}
            for number in range(30)
        ]
        program_services.save_draft(document=document, by=SYSTEM, at=NOW)
    page = staff.get("/t/acme/program/2/compare/1/")
    shown = [change for change in page.context["changes"] if change["section"] == "Coupon"]
    assert len(shown) == 20
    (rest,) = page.context["rest"]
    assert (rest["kind"], rest["names"]) == ("added", [f"Coupon {number}" for number in range(20, 30)])
    assert "10 more" in page.content.decode()


def test_exchange_rates_are_typed_a_line_each(staff: Client, filled: Filled) -> None:
    body = program_form(staff, filled)
    typed = {**body, "policies-exchange_rates": "jpy 0.0067\n\n EUR = 1.085"}
    assert staff.post(address("program_edit", filled), typed).status_code == 302
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(state="draft")
        assert row.document["policies"]["exchange_rates"] == {"EUR": "1.085", "JPY": "0.0067"}
    form = staff.get(address("program_edit", filled)).context["policies"]
    assert form["exchange_rates"].value() == "EUR 1.085\nJPY 0.0067"
    for wrong in ("JPY", "JPY 0", "euro 1", "JPY -1", "JPY 1,5"):
        answer = staff.post(address("program_edit", filled), {**typed, "policies-exchange_rates": wrong})
        assert answer.status_code == 422
        assert answer.context["policies"].errors["exchange_rates"]
    # A page that was opened before rates could be typed leaves them as they are.
    former = {name: value for name, value in typed.items() if name != "policies-exchange_rates"}
    assert staff.post(address("program_edit", filled), former).status_code == 302
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(state="draft")
        assert set(row.document["policies"]["exchange_rates"]) == {"EUR", "JPY"}
    assert (
        staff.post(address("program_edit", filled), {**body, "policies-exchange_rates": ""}).status_code
        == 302
    )
    with tenant_scope(filled.tenant):
        assert "exchange_rates" not in ProgramRevision.objects.get(state="draft").document["policies"]
