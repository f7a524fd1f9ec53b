"""Which language a short text is written in."""

from __future__ import annotations

from functools import cache
from typing import Any

UNKNOWN = "und"
# What customers write reviews in; fewer candidates make short texts safer.
CANDIDATES = (
    "ar",
    "de",
    "en",
    "es",
    "fr",
    "hi",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ru",
    "sv",
    "tr",
    "vi",
    "zh",
)
# Below it the library only guesses ("ok", "terrible"): the expected language is the better guess.
LEAST_CONFIDENCE = 0.6
_HAN = ("\u4e00", "\u9fff")
_KANA = ("\u3040", "\u30ff")
_HANGUL = ("\uac00", "\ud7a3")
_LEAST_HAN_SHARE = 0.3


def detect(text: str, *, expected: str = "en") -> str:
    """Return the ISO 639-1 code of ``text``, or ``und`` where it holds no letters.

    Scripts that belong to one language decide by themselves; the rest is py3langid's n-gram model
    (Lui and Baldwin 2012). Where the model is unsure and ``expected`` is written in Latin script, it wins.
    """
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return UNKNOWN
    if by_script := _by_script(letters):
        return by_script
    language, confidence = _identifier().classify(text)
    if float(confidence) >= LEAST_CONFIDENCE:
        return str(language)
    return expected if expected != "zh" and all(letter < "\u0250" for letter in letters) else str(language)


def _by_script(letters: list[str]) -> str:
    def share(block: tuple[str, str]) -> float:
        return sum(block[0] <= letter <= block[1] for letter in letters) / len(letters)

    if share(_KANA) > 0:
        return "ja"
    if share(_HANGUL) > _LEAST_HAN_SHARE:
        return "ko"
    return "zh" if share(_HAN) > _LEAST_HAN_SHARE else ""


@cache
def _identifier() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(CANDIDATES))
    return identifier
