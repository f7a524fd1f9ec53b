"""How gunicorn serves the product; used with --config python:loyalty_saas.gunicorn."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.conf import settings

from tenants.postgresql import silence

wsgi_app = "loyalty_saas.wsgi"
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, os.cpu_count() or 2))
worker_class = "gthread"
threads = 4
# The application is loaded once and its memory shared by the workers.
preload_app = True
max_requests = 20_000
max_requests_jitter = 2_000
graceful_timeout = 5
accesslog = "-"
# It would be put under the home directory, which a service account may not have.
control_socket_disable = True


def post_worker_init(_worker: Any) -> None:
    """No request waits for a silent database without end."""
    silence.watch(settings.DATABASE_SILENCE_SECONDS)


def when_ready(server: Any) -> None:
    """Take what the start allocated out of the collector's rounds: shorter pauses, shared pages."""
    gc.collect()
    gc.freeze()
