"""Django settings.  Every value a person may change comes from `proxysite.environment`."""

import secrets

from cryptography.fernet import Fernet

from proxysite import environment, keys, time_zones
from proxysite.environment import BASE_DIR
from proxysite.theme import UNFOLD as UNFOLD  # a setting of django-unfold

ENV = environment.read()
DATA_DIR = environment.made_directory(ENV["DATA_DIR"])

SECRET_KEY = ENV["SECRET_KEY"] or keys.kept(DATA_DIR / "secret_key", lambda: secrets.token_urlsafe(50))
ENCRYPTION_KEY = ENV["ENCRYPTION_KEY"] or keys.kept(DATA_DIR / "encryption_key", lambda: Fernet.generate_key().decode())

DEBUG = ENV["DEBUG"]
ALLOWED_HOSTS = ENV["ALLOWED_HOSTS"]
CSRF_TRUSTED_ORIGINS = ENV["CSRF_TRUSTED_ORIGINS"]
SILENCED_SYSTEM_CHECKS: list[str] = []

INSTALLED_APPS = [
    "daphne",  # first: its runserver serves ASGI
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "proxysite",
    "routing",
    "sampling",
    "validation",
]

# The proxy's own paths never pass through these: proxysite.gateway.handler says why.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "proxysite.time_zones.viewers_time",
]

ROOT_URLCONF = "proxysite.urls"
ASGI_APPLICATION = "proxysite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "proxysite" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "db.sqlite3",
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# One process serves, so its websockets need no broker.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-us"
TIME_ZONE = time_zones.of_the_machine()
USE_TZ = True
FORMAT_MODULE_PATH = ["proxysite.formats"]

FIXTURE_DIRS = [BASE_DIR / "fixtures"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "proxysite" / "static"]
# The admin's files are served where they lie: nobody has to run collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOG_FILE = DATA_DIR / ENV["LOG_FILE"] if ENV["LOG_FILE"] else None
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "redact": {"()": "proxysite.redaction.RedactSecrets"},
        "told": {"()": "proxysite.gateway.breaks.AlreadyTold"},
    },
    "formatters": {
        "line": {
            "()": "proxysite.log_lines.LineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]},
        **(
            {
                "file": {
                    "class": "logging.handlers.RotatingFileHandler",
                    "filename": LOG_FILE,
                    "maxBytes": 10 * 2**20,
                    "backupCount": 5,
                    "formatter": "line",
                    "filters": ["redact"],
                }
            }
            if LOG_FILE
            else {}
        ),
    },
    "root": {"handlers": ["console", *(["file"] if LOG_FILE else [])], "level": ENV["LOG_LEVEL"]},
    "loggers": {
        "uvicorn.error": {"filters": ["told"]},
        "daphne.server": {"filters": ["told"]},
        "django.server": {"handlers": [], "propagate": True},
        "django.channels.server": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "proxysite.override": {"level": "INFO" if ENV["OVERRIDE_LOGS"] else "WARNING"},
        **({"proxysite": {"level": "DEBUG"}} if ENV["DEBUG_LOGS"] else {}),
    },
}

DEFAULT_EXCEPTION_REPORTER = "proxysite.error_pages.ErrorReporter"
CSRF_FAILURE_VIEW = "proxysite.error_pages.form_refused"
