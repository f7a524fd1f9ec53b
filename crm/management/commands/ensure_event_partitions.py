from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from crm.services import partitions


class Command(BaseCommand):
    help = "Make the month partitions of the events, ahead of time or backwards for an import."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first", type=date.fromisoformat, help="first day, today by default")
        parser.add_argument("--last", type=date.fromisoformat, help="last day, three months ahead by default")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.now().date()
        ahead = today + timedelta(days=partitions.MONTHS_AHEAD_DAYS)
        made = partitions.ensure(first=options["first"] or today, last=options["last"] or ahead)
        self.stdout.write(f"{made} partitions made")
