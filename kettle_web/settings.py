"""Django settings. What differs between installations comes from `kettle_web.env`."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from kettle_web.core.keys import key_read_or_make
from kettle_web.env import env_read

ENV = env_read()
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = ENV.data_dir

SECRET_KEY = ENV.secret_key or key_read_or_make(DATA_DIR / "secret-key")
FIELD_ENCRYPTION_KEYS = ENV.field_encryption_keys or (key_read_or_make(DATA_DIR / "field-encryption-key"),)
DEBUG = ENV.debug
PUBLIC_URL = ENV.public_url
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [*ENV.allowed_hosts, _public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    # daphne serves `runserver` in development; uvicorn serves everything else and need not pay for importing Twisted.
    *(["daphne"] if sys.argv[1:2] == ["runserver"] else []),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "kettle_web.core",
    "kettle_web.accounts",
    "kettle_web.builds",
    "kettle_web.verifications",
    "kettle_web.history",
    "kettle_web.sharing",
    "kettle_web.api",
    "kettle_web.pages",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "kettle_web.core.language.QueryLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kettle_web.accounts.middleware.OneTimePasswordMiddleware",
]

ROOT_URLCONF = "kettle_web.urls"
ASGI_APPLICATION = "kettle_web.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kettle_web.core.context.site",
            ],
            "builtins": ["kettle_web.core.templatetags.kettle"],
        },
    },
]

DATABASES: dict[str, Any]
if ENV.database_url:
    DATABASES = {"default": dj_database_url.parse(ENV.database_url, conn_max_age=60, conn_health_checks=True)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "kettle.sqlite3",
            "OPTIONS": {
                # IMMEDIATE takes the write lock when a transaction begins: no deadlock between a read and its upgrade.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
            },
            # A file, like the real one: threads and child processes of tests share it as they do in earnest.
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any]
if ENV.redis_url:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [ENV.redis_url]}}}
    CELERY_BROKER_URL = ENV.redis_url
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 2, "socket_timeout": 30}
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT = "kettle_web.core.broker:FolderTransport"
    _broker = DATA_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "queue"),
        "data_folder_out": str(_broker / "queue"),
        "control_folder": str(_broker / "control"),
        "store_processed": False,
        # kombu takes one message per poll; at its default of 1 s a small burst waits for seconds.
        "polling_interval": 0.1,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "kettle"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]

if ENV.storage_url:
    _bucket = urlsplit(ENV.storage_url)
    _files = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": _bucket.netloc, "location": _bucket.path.strip("/"), "file_overwrite": True, "querystring_auth": False},
    }
else:
    _files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}}
STORAGES = {
    "default": _files,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "pages:home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
LANGUAGE_COOKIE_SECURE = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None

# Uploads go to disk in chunks of their own (builds.uploads); a plain form is held to this size.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_HANDLERS = ["kettle_web.core.formfiles.CappedUploadHandler"]
FILE_UPLOAD_TEMP_DIR = None
MAX_UPLOAD_BYTES = ENV.max_upload_bytes
BUILDS_VISIBLE_TO = ENV.builds_visible_to
ALLOWED_SOURCE_HOSTS = ENV.allowed_source_hosts
COLLATERAL_FROM_VENDORS = ENV.collateral_from_vendors
AMD_KDS_URL = ENV.amd_kds_url
INTEL_PCS_URL = ENV.intel_pcs_url
POLICY_NEEDS_SECOND_APPROVER = ENV.policy_needs_second_approver
REVERIFY_EVERY_DAYS = ENV.reverify_every_days

# Nothing is sent before someone asks for it, and nothing at all without a mail server.
IS_EMAIL_CONFIGURED = ENV.email is not None
if ENV.email is not None:
    EMAIL_BACKEND = f"django.core.mail.backends.{'filebased' if ENV.email.folder else 'smtp'}.EmailBackend"
    EMAIL_FILE_PATH = ENV.email.folder
    EMAIL_HOST, EMAIL_PORT = ENV.email.host, ENV.email.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENV.email.user, ENV.email.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = ENV.email.security == "starttls", ENV.email.security == "tls"
    EMAIL_TIMEOUT = 20
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.email.sender
TIMEOUTS = ENV.timeouts
BUILDS_PER_USER = ENV.builds_per_user
BUILDS_PER_ENDPOINT = ENV.builds_per_endpoint
KEEP = ENV.keep

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
