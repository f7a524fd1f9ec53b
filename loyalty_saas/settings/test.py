"""Settings of the test suite: the product's own, with cheap passwords and no lock-out between tests."""

from __future__ import annotations

from loyalty_saas.settings.base import *  # noqa: F403 - a settings module extends another one whole

SECRET_KEY = "only-for-the-test-suite"  # noqa: S105 - signs nothing outside the suite
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
# Databases of the suite number their tenants alike.
GUESS_STORAGE_URL = "memory://"
ALLOWED_HOSTS = ["*"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Files are found when asked for: no scan at every client, no collected directory needed.
WHITENOISE_AUTOREFRESH = True
