"""What the page of a rehearsal says in words."""

from __future__ import annotations

from rewards.admin.rehearsal_words import Move, moves
from rewards.domain.documents import parse
from rewards.models import Rehearsal

WALLETS = [{"key": "points", "name": "Points"}]


def ladder(**names: str) -> list[dict[str, object]]:
    return [
        {"key": key, "name": name, "threshold_minor": 1000 * step}
        for step, (key, name) in enumerate(names.items())
    ]


def test_tiers_are_called_by_name_also_those_that_the_draft_leaves_out() -> None:
    live = parse({"wallets": WALLETS, "tiers": ladder(base="Base", old="Old one", top="Top")})
    draft = parse({"wallets": WALLETS, "tiers": ladder(base="Base", top="Summit")})
    rows = [
        {"from": "old", "to": "top", "members": 3},
        {"from": None, "to": "base", "members": 2},
        {"from": "older", "to": None, "members": 1},
    ]
    assert list(moves(Rehearsal(result={"tiers": rows}), draft, live)) == [
        Move("Old one", "Summit", 3),
        Move("", "Base", 2),
        Move("older", "", 1),
    ]
