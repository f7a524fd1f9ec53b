"""The product's Celery application with a schedule that a test can wait for: celery --app this beat."""

from __future__ import annotations

from loyalty_saas.celery import app

app.conf.beat_schedule = {"relay-outbox": {"task": "tenants.relay_outbox", "schedule": 0.1}}
