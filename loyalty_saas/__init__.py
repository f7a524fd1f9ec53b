"""Composition root: settings, URLs, the Celery application, the demo. Nothing imports it from below."""
