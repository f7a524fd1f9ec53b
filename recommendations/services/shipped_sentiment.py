"""The sentiment models that come with the product: hash-checked files and what is known of them."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import recommendations

if TYPE_CHECKING:
    from recommendations.ml.sentiment import TextSentiment
    from recommendations.ml.sentiment_training import Report

FOLDER = Path(recommendations.__file__).parent / "ml" / "shipped"
CARD = "sentiment.json"
ORIGIN = "shipped"


def card(folder: Path = FOLDER) -> dict[str, Any]:
    """Return what the model card says, by language."""
    found: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return found


@cache
def load(folder: Path = FOLDER) -> dict[str, TextSentiment]:
    """Return the models by language. Raises ArtefactDamaged unless each file has the card's SHA-256."""
    from recommendations.ml import artefacts  # noqa: PLC0415 - slow to import
    from recommendations.ml.sentiment import TextSentiment  # noqa: PLC0415 - imports scikit-learn

    return {
        language: TextSentiment.from_contents(
            artefacts.load(folder / f"{entry['sha256']}.zip", entry["sha256"])
        )
        for language, entry in card(folder).items()
    }


def store(language: str, report: Report, *, sources: str, on: date, folder: Path = FOLDER) -> dict[str, Any]:
    """Write the model and its entry of the card, and remove the file it replaces; return the entry."""
    from recommendations.ml import artefacts  # noqa: PLC0415 - slow to import

    entries = card(folder) if (folder / CARD).exists() else {}
    stored = artefacts.save(folder, report.model.to_contents())
    former = entries.get(language, {}).get("sha256")
    if former and former != stored.sha256:
        (folder / f"{former}.zip").unlink(missing_ok=True)
    entries[language] = {
        "sha256": stored.sha256,
        "bytes": stored.size_bytes,
        "trained_on": on.isoformat(),
        "sources": sources,
        "cross_validated_accuracy": report.cross_validated,
        "cross_domain_accuracy": report.cross_domain,
    }
    text = json.dumps(entries, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    found: dict[str, Any] = entries[language]
    return found
