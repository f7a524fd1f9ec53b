"""The product's Celery application that misses RabbitMQ after seconds: celery --app this worker."""

from __future__ import annotations

from loyalty_saas.celery import app

app.conf.broker_heartbeat = 2
