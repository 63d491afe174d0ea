"""The settings of the site, with the packages that log in."""

from ..settings import *  # noqa: F403
from ..settings import INSTALLED_APPS, MIDDLEWARE, MIGRATION_MODULES

ROOT_URLCONF = "site_.logins.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.sessions",
    "rest_framework_simplejwt.token_blacklist",
    "oauth2_provider",
    "dj_rest_auth",
]
MIGRATION_MODULES = {
    **MIGRATION_MODULES,
    "sessions": None,
    "token_blacklist": None,
    "oauth2_provider": None,
}
MIDDLEWARE = [
    *MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
LOGIN_REDIRECT_URL = "/"
# Tests log in often.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SIMPLE_JWT = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    # A token is good for the password that it was given for, as it is stored.
    "CHECK_REVOKE_TOKEN": True,
    "SIGNING_KEY": "not-a-secret-test-site-only-" + 10 * "x",
}
OAUTH2_PROVIDER = {"SCOPES": {"read": "Reading", "write": "Writing"}}
REST_AUTH = {"SESSION_LOGIN": True, "TOKEN_MODEL": None}
