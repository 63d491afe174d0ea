"""Settings of the reference site. The database file is named by REFERENCE_DB."""

import os

SECRET_KEY = "not-a-secret-test-site-only"
DEBUG = False  # As in production: HTML error pages, and APPEND_SLASH redirects a POST too.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_.urls"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "site_",
]
# No migrations: tables are made directly from the models, which takes a tenth of the time.
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "authtoken": None}

MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["REFERENCE_DB"],
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
        "rest_framework.filters.SearchFilter",
    ],
}


def _is_unexpected(record):
    """/api/v1/broken/ fails on purpose; any other traceback is a bug of this site."""
    return "/api/v1/broken/" not in record.getMessage()


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "unexpected": {"()": "django.utils.log.CallbackFilter", "callback": _is_unexpected}
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "level": "ERROR", "filters": ["unexpected"]}
    },
    "loggers": {
        "django": {"handlers": ["stderr"], "propagate": False},
        # Django leaves it to the server to drop the body of a HEAD; gunicorn warns each time.
        "gunicorn.http": {"level": "ERROR"},
    },
}
