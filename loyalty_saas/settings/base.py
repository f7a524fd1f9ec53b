"""Settings, read from the environment once.

There is no development or production variant: environments differ by variables, so what runs in
production is what was tested.
"""

from __future__ import annotations

from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.management.utils import get_random_secret_key
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

# --- Core -----------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Without a key each process draws its own: nothing is ever signed with a key somebody else knows.
SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "loyalty_saas.urls.root"
STAFF_URLCONF = "loyalty_saas.urls.staff"
WSGI_APPLICATION = "loyalty_saas.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SERVICE_VERSION = env.str("SERVICE_VERSION", default="0.1.0")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.admin",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenants.apps.TenantsConfig",
    "crm.apps.CrmConfig",
    "rewards.apps.RewardsConfig",
    "recommendations.apps.RecommendationsConfig",
    "loyalty_saas.apps.LoyaltySaasConfig",
]

MIDDLEWARE = [
    "tenants.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "tenants.middleware.TenantApiMiddleware",
    "tenants.middleware.TenantSiteMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.admin.context.tenant_site",
            ],
            "libraries": {"code_words": "crm.admin.code_words"},
        },
    },
]

# --- Database: three roles of one database (the application is never a superuser) -------------------
# default = app_rw (web, workers), owner = app_owner (migrations), platform = app_platform (relay, fan-out).
_DATABASE_URL = env.str("DATABASE_URL", default="postgres://app_rw@127.0.0.1:5432/loyalty")


# How long a web process waits for a word of a database that took its statement.
DATABASE_SILENCE_SECONDS = env.float("DATABASE_SILENCE_SECONDS", default=60)
# A connection whose other end is gone without a word is given up after half a minute.
_LINE = {
    "connect_timeout": env.int("DATABASE_CONNECT_SECONDS", default=10),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}


def _database(url: str) -> dict[str, object]:
    named = environ.Env.db_url_config(url, engine="tenants.postgresql")
    return {
        **named,
        "OPTIONS": {**_LINE, **named.get("OPTIONS", {})},
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE_SECONDS", default=60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        # Off behind a pooler in transaction mode that does not follow prepared statements.
        "PREPARED_CALLS": env.bool("DATABASE_PREPARED_CALLS", default=True),
    }


def _with_role(role: str) -> str:
    """The application's URL with another role's name in place of ``app_rw``."""
    return str(_DATABASE_URL).replace("//app_rw", f"//{role}", 1)


DATABASES = {
    "default": _database(_DATABASE_URL),
    "owner": _database(env.str("DATABASE_OWNER_URL", default=_with_role("app_owner"))),
    "platform": _database(env.str("DATABASE_PLATFORM_URL", default=_with_role("app_platform"))),
}
DATABASE_ROUTERS = ["tenants.routers.TenantRouter"]

# --- Queue ----------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
QUEUE_SHARDS = env.int("QUEUE_SHARDS", default=4)
# Modules with job handlers beside those of the apps; every process imports them.
JOB_MODULES = env.list("JOB_MODULES", default=[])

# --- Cache: per process; nothing that must be right lives in it -----------------------------------
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Sign-in --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
# The e-mail is unique in lower case (a constraint on the expression), which the check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "tenants.admin.accounts.StaffAccountAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "allauth.mfa.adapter.DefaultMFAAdapter"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_RESET_ON_SUCCESS = True
# Whether owners may open further tenants, and strangers their first one; operators always may.
OWNERS_OPEN_TENANTS = env.bool("OWNERS_OPEN_TENANTS", default=False)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=False)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600

# --- Mail: links to set a password and to confirm an address -----------------------------------------
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="loyalty@localhost")

# --- Security -------------------------------------------------------------------------------------
_HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The admin frame's Alpine build evaluates expressions, hence unsafe-eval; nothing else may be loaded.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    },
}

# --- Language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["loyalty_saas.formats"]

# --- Files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
ARTEFACT_ROOT = Path(env.str("ARTEFACT_ROOT", default=str(VAR_DIR / "artefacts")))
# Uploads and exports; no web server shows this folder, web and workers share it.
PRIVATE_FILES_ROOT = Path(env.str("PRIVATE_FILES_ROOT", default=str(VAR_DIR / "private")))
MOST_UPLOAD_BYTES = env.int("MOST_UPLOAD_BYTES", default=512 * 1024 * 1024)
FILE_UPLOAD_HANDLERS = [
    "tenants.uploads.CappedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# The mapping of a file with 500 columns is one form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- HTTP API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.api.permissions.HasDeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["tenants.api.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.api.parsers.JsonParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.api.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["tenants.api.filters.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "tenants.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "tenants.api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "iso-8601",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Loyalty back office API",
    "DESCRIPTION": "Customers, events, orders, points, rewards and recommendations of one tenant.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "FeedbackKindEnum": "crm.models.FeedbackKind",
        "BrakeKindEnum": "rewards.api.serializers.brakes.KINDS",
        "CouponKindEnum": "rewards.models.CouponKind",
        "RewardKindEnum": "rewards.models.RewardKind",
        "ReferralRewardKindEnum": "rewards.models.ReferralRewardKind",
        "VelocityKindEnum": "rewards.models.VelocityKind",
    },
}
API_RATE_LIMIT = env.str("API_RATE_LIMIT", default="30000/minute")
# Counters live in the process; a shared store (redis://…) makes the limit exact over several web processes.
RATE_LIMIT_STORAGE_URL = env.str("RATE_LIMIT_STORAGE_URL", default="memory://")
# Guessed codes are counted over all web processes wherever there is a store for it.
GUESS_STORAGE_URL = env.str("GUESS_STORAGE_URL", default=env.str("REDIS_URL", default=RATE_LIMIT_STORAGE_URL))

# --- Logs: one JSON object a line, with tenant and request ----------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# --- Back office ----------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": _("Loyalty back office"),
    "SITE_HEADER": _("Loyalty back office"),
    "SHOW_HISTORY": False,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "8px",
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {"navigation": "loyalty_saas.backoffice.navigation.navigation"},
}
