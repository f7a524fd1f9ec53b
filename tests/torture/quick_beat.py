"""The product's Celery application whose outbox relay and job sweeper come around several times a second."""

from __future__ import annotations

from loyalty_saas.celery import app

SECONDS = 0.3
QUICK = ("relay-outbox", "sweep-jobs")

app.conf.beat_schedule = {
    name: {**app.conf.beat_schedule[name], "schedule": SECONDS, "options": {}} for name in QUICK
}
