"""What pages say of a wallet uses the words of the team page, not keys."""

from __future__ import annotations

from django.utils import translation

from rewards.admin.wallet_words import wallet_in_words
from rewards.domain.documents import parse

_DOCUMENT = {
    "wallets": [
        {"key": "points", "name": "Points", "adjustment_limits": {"support": 1_500, "api_key": 20}},
    ]
}


def test_limits_by_hand_name_roles_as_the_team_page_does() -> None:
    revision = parse({"schema": 1, **_DOCUMENT})
    said = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            said[language] = wallet_in_words(revision.wallet("points"), revision, "USD")["limits"]
    assert said == {"en": "API key: 20; Support: 1,500", "zh-hans": "API 密钥: 20; 客服: 1,500"}
