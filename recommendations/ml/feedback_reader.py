"""From a customer's words to a judgement: language, score, and the sentence that decided it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from recommendations.ml.arrays import Floats
from recommendations.ml.languages import detect
from recommendations.ml.sentiment import TextSentiment

# Sentences end at these, Chinese ones too; an ellipsis or several marks are one end.
_SENTENCE = re.compile(r"[^.!?。！？\n;；]+[.!?。！？;；]*")
LONGEST_TEXT = 5_000
Rater = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Judgement:
    """``score`` from -1 (bad) to 1 (good), None where nobody can read the language.

    ``start`` and ``end`` cut out the sentence that pulls the score most in its own direction.
    """

    language: str
    score: float | None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackReader:
    """Models by language; English is averaged with VADER, whose lexicon knows no domain (Hutto 2014)."""

    models: Mapping[str, TextSentiment]
    vader_weight: float = 0.5
    expected_language: str = "en"
    _lexicon: list[Any] = field(default_factory=list)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Judge texts in their order; a text is read up to its first 5,000 characters."""
        cut = [text[:LONGEST_TEXT] for text in texts]
        languages = [detect(text, expected=self.expected_language) for text in cut]
        found: list[Judgement] = [Judgement(language, None) for language in languages]
        for language in sorted(set(languages) & set(self.models)):
            places = [place for place, each in enumerate(languages) if each == language]
            rater = partial(self.rate, language)
            scores = rater([cut[place] for place in places])
            for place, score in zip(places, scores, strict=True):
                start, end = deciding_sentence(cut[place], float(score), rater)
                found[place] = Judgement(language, round(float(score), 4), start, end)
        return found

    def rate(self, language: str, texts: Sequence[str]) -> Floats:
        """Scores from -1 to 1 of texts in one language that there is a model for."""
        scores = 2.0 * self.models[language].predict_proba(texts)[:, 1] - 1.0
        if language == "en" and self.vader_weight:
            scores = (1 - self.vader_weight) * scores + self.vader_weight * self._vader(texts)
        return np.asarray(scores)

    def _vader(self, texts: Sequence[str]) -> Floats:
        if not self._lexicon:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

            self._lexicon.append(SentimentIntensityAnalyzer())
        return np.array([self._lexicon[0].polarity_scores(text)["compound"] for text in texts])


def deciding_sentence(text: str, score: float, rate: Rater) -> tuple[int, int]:
    """Return where the sentence stands that says most clearly what the whole text says."""
    spans = [match.span() for match in _SENTENCE.finditer(text) if match.group().strip()]
    if not spans:
        return 0, len(text)
    scores = rate([text[start:end] for start, end in spans])
    start, end = spans[int(np.argmax(scores if score >= 0 else -scores))]
    return start + len(text[start:end]) - len(text[start:end].lstrip()), end
