from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recommendations.ml import artefacts
from recommendations.ml.feedback_reader import FeedbackReader, Judgement, deciding_sentence
from recommendations.ml.languages import UNKNOWN, detect
from recommendations.ml.sentiment import VIEWS_BY_LANGUAGE, TextSentiment
from recommendations.ml.sentiment_training import Corpus, adapt, packed, train_shipped, unpacked
from recommendations.ml.trained import NotEnoughData
from recommendations.services import shipped_sentiment

GOOD = [
    f"the {noun} was {word}"
    for noun in ("meal", "staff", "room", "trip")
    for word in ("great", "lovely", "perfect")
]
BAD = [
    f"the {noun} was {word}"
    for noun in ("meal", "staff", "room", "trip")
    for word in ("awful", "rude", "broken")
]


def corpus(name: str = "toy", times: int = 3) -> Corpus:
    return Corpus(name, [*GOOD, *BAD] * times, np.array(([True] * len(GOOD) + [False] * len(BAD)) * times))


@pytest.fixture(scope="module")
def toy() -> TextSentiment:
    found: TextSentiment = TextSentiment(bits=12).fit(corpus().texts, corpus().positive)
    return found


def test_known_words_decide_in_unseen_sentences(toy: TextSentiment) -> None:
    assert toy.predict(["a great evening", "an awful evening"]).tolist() == [True, False]
    assert np.allclose(toy.predict_proba(["a great evening"]).sum(axis=1), 1.0)


def test_one_kind_of_label_is_refused() -> None:
    with pytest.raises(ValueError, match="positive and negative"):
        TextSentiment().fit(["a", "b"], np.array([True, True]))


def test_artefact_gives_the_same_probabilities(toy: TextSentiment, tmp_path: Path) -> None:
    stored = artefacts.save(tmp_path, toy.to_contents())
    again = TextSentiment.from_contents(artefacts.load(stored.path, stored.sha256))
    texts = [*GOOD[:3], *BAD[:3], "nothing of this"]
    assert np.abs(again.predict_proba(texts) - toy.predict_proba(texts)).max() < 0.002


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("配送太慢了", "zh"),
        ("OK 好吃", "zh"),
        ("サービスが悪い", "ja"),
        ("배송이 늦었어요", "ko"),
        ("Lieferung kam leider viel zu spät", "de"),
        ("delivery was late and nobody answered", "en"),
        ("terrible", "en"),
        ("★★★ 5/5", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_language_of_short_texts(text: str, language: str) -> None:
    assert detect(text) == language


def test_deciding_sentence_is_the_one_that_pulls() -> None:
    text = "The food was great. But the courier was awful! Fine otherwise."
    rate = lambda texts: np.array([-1.0 if "awful" in each else 0.5 for each in texts])  # noqa: E731
    start, end = deciding_sentence(text, -0.4, rate)
    assert text[start:end] == "But the courier was awful!"
    assert deciding_sentence("no end", 0.2, rate) == (0, 6)
    assert deciding_sentence("", 0.0, rate) == (0, 0)


def test_shipped_models_read_english_and_chinese() -> None:
    reader = FeedbackReader(shipped_sentiment.load())
    texts = [
        "Great service, I love this shop!",
        "Terrible. The parcel arrived broken and support was rude.",
        "很好吃，送餐也快，下次还会再来",
        "太差了，送来的时候都凉了，再也不买了",
        "Lieferung kam leider viel zu spät",
    ]
    judged = reader.judge(texts)
    assert [each.language for each in judged] == ["en", "en", "zh", "zh", "de"]
    scores = [each.score for each in judged]
    assert scores[0] is not None
    assert scores[0] > 0.5
    assert scores[1] is not None
    assert scores[1] < -0.5
    assert scores[2] is not None
    assert scores[2] > 0.5
    assert scores[3] is not None
    assert scores[3] < -0.5
    assert judged[4] == Judgement("de", None)


def test_shipped_files_match_their_card_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    card = shipped_sentiment.card()
    assert sorted(card) == ["en", "zh"]
    for entry in card.values():
        assert min(entry["cross_validated_accuracy"].values()) > 0.75
    name = card["zh"]["sha256"]
    damaged = (shipped_sentiment.FOLDER / f"{name}.zip").read_bytes()[:-1] + b"x"
    (tmp_path / f"{name}.zip").write_bytes(damaged)
    (tmp_path / shipped_sentiment.CARD).write_text(json.dumps({"zh": card["zh"]}))
    with pytest.raises(artefacts.ArtefactDamaged):
        shipped_sentiment.load(tmp_path)


def test_training_reports_every_domain(tmp_path: Path) -> None:
    report = train_shipped("zh", [corpus("one"), corpus("two")], bits=10)
    assert report.cross_validated == {"one": 1.0, "two": 1.0}
    assert report.cross_domain == {"one": 1.0, "two": 1.0}


def test_adaptation_learns_what_the_tenant_means(toy: TextSentiment) -> None:
    """Customers who joke: the shipped model alone reads every one of them the wrong way round."""
    nouns = "abcdefghij"
    texts = [f"awful {noun} wow" for noun in nouns] * 4 + [f"great {noun} sure" for noun in nouns] * 4
    labels = np.array([True] * 40 + [False] * 40)
    trained = adapt({"en": toy}, {"en": Corpus("en", texts, labels)}, None)
    assert trained.verdict.accepted
    assert (trained.metrics, trained.baselines) == ({"accuracy": 1.0}, {"accuracy": 0.0})
    bent = unpacked(trained.contents)["en"]
    assert bent.predict(["awful x wow", "great x sure"]).tolist() == [True, False]


def test_too_few_corrections_are_said_so(toy: TextSentiment) -> None:
    few = Corpus("en", ["good", "bad"], np.array([True, False]))
    with pytest.raises(NotEnoughData, match="needs 30"):
        adapt({"en": toy}, {"en": few}, None)


def test_packed_languages_come_back(toy: TextSentiment) -> None:
    chinese = TextSentiment(views=VIEWS_BY_LANGUAGE["zh"], bits=10).fit(["好", "坏"], np.array([True, False]))
    again = unpacked(packed({"en": toy, "zh": chinese}))
    assert sorted(again) == ["en", "zh"]
    assert again["zh"].predict(["很好"]).tolist() == [True]
