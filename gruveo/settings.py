"""
All settings, all from the environment; docs/settings.md lists the variables.

There are three ways to run. Production is the default and starts only when everything that it needs is set. LOCAL=1 is `make run`:
one process on one machine, SQLite, no Redis, plain HTTP on loopback only. DEBUG=1 is `make dev`.
"""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django_prose_editor.config import html_tags
from js_asset import static_lazy

from gruveo import local_env, redis_hosts
from gruveo.env import BadValue, Env
from signaling import native
from turnauth import rules as turn_rules
from turnauth import servers as turn_servers

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env(os.environ)

DEBUG = env.flag("DEBUG")
LOCAL = env.flag("LOCAL") and not DEBUG
PRODUCTION = not DEBUG and not LOCAL
VAR_DIR = local_env.var_dir(os.environ)
if not PRODUCTION:
    VAR_DIR.mkdir(parents=True, exist_ok=True)  # SQLite makes its file, not the folder

# Secrets. In DEBUG they are fixed so that a reload keeps sessions; nowhere else is there a default.

_DEBUG_KEY = "debug-only-0123456789-abcdefghijklmnop-"
SECRET_KEY = env.key("SECRET_KEY", *([_DEBUG_KEY + "django"] if DEBUG else []))
ROOM_KEY = env.key("ROOM_KEY", *([_DEBUG_KEY + "room"] if DEBUG else []))
SIGNALING_KEYS = env.keys("SIGNALING_KEYS", *([(_DEBUG_KEY + "signaling",)] if DEBUG else []))

# Addresses

SITE_ORIGINS = env.origins(
    "SITE_ORIGINS", *([] if PRODUCTION else [("http://localhost:8000", "http://127.0.0.1:8000")])
)
SECURE = all(origin.scheme == "https" for origin in SITE_ORIGINS)
if not SECURE and not all(origin.is_loopback for origin in SITE_ORIGINS if origin.scheme == "http"):
    raise BadValue("SITE_ORIGINS", "may hold http: addresses of this machine only (localhost, 127.0.0.1, [::1]).")
if PRODUCTION and not SECURE:
    raise BadValue("SITE_ORIGINS", "must hold https: addresses only, outside of LOCAL and DEBUG.")
SIGNALING_URL = env.socket_address("SIGNALING_URL")
if SECURE and SIGNALING_URL.startswith("ws:"):
    raise BadValue("SIGNALING_URL", "must begin with wss: when the site is served over https.")
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, most=10)

ALLOWED_HOSTS = sorted({origin.host for origin in SITE_ORIGINS})
CSRF_TRUSTED_ORIGINS = [str(origin) for origin in SITE_ORIGINS]

# State

REDIS_URLS = env.parsed("REDIS_URL", redis_hosts.parse)
_DATABASE = env.text("DATABASE_URL", *([] if PRODUCTION else [f"sqlite:///{VAR_DIR / 'db.sqlite3'}"]))
try:
    DATABASES = {"default": dj_database_url.parse(_DATABASE)}
except ValueError:  # its text may quote the password
    raise BadValue("DATABASE_URL", "is no database address such as postgres://user:password@host/name.") from None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that begins as a reader and then writes fails at once when another has written; one that says so first waits.
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=10000;",
    }
    if not DEBUG:
        DATABASES["default"]["CONN_MAX_AGE"] = None  # as many as gruveo.handler keeps threads
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Kept-alive connections pile up under ASGI, one for each thread; the pool holds four. Who gets none within 5 s is told so.
    # Of a machine that is gone without a word TCP would tell after a quarter of an hour, or after two hours to who only listens.
    DATABASES["default"]["OPTIONS"] = {
        "keepalives_idle": 10,  # seconds
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 20_000,  # ms
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 4, "timeout": 5.0},
    }
else:
    raise BadValue("DATABASE_URL", "must begin with postgres: or sqlite:.")

# What may be lost, such as which relays are healthy. A Redis that is away or hangs must cost nobody more than a moment.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URLS[0],
        "KEY_PREFIX": "gruveo",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
    if REDIS_URLS
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Pages that are the same for everybody are kept for so long, unless something changes; 0 keeps none
PAGES_KEPT_SECONDS = env.number("PAGES_KEPT_SECONDS", 300)

# Metrics: shown to who has the token, or comes from one of these networks; to nobody without either

METRICS_TOKEN = env.key("METRICS_TOKEN", "")
METRICS_NETWORKS = env.networks("METRICS_NETWORKS")

# Signaling: what docs/protocol.md section 12 promises

ROOM_CAPACITY = env.number("ROOM_CAPACITY", 6, least=2, most=6)
HELLO_SECONDS = env.number("HELLO_SECONDS", 5.0, least=0.1)
SILENCE_SECONDS = env.number("SILENCE_SECONDS", 20.0, least=0.1)
PLACE_SECONDS = env.number("PLACE_SECONDS", 30.0, least=0.1)
LEASE_SECONDS = env.number("LEASE_SECONDS", 15.0, least=0.5)
QUARANTINE_SECONDS = env.number("QUARANTINE_SECONDS", 12.0)
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 20.0)
TOKEN_SECONDS = env.number("TOKEN_SECONDS", 12 * 3600, least=1)
MESSAGES_PER_SECOND = env.number("MESSAGES_PER_SECOND", 50.0, least=1)
JOINS_PER_MINUTE = env.number("JOINS_PER_MINUTE", 60.0, least=1)
SOCKETS_PER_ADDRESS = env.number("SOCKETS_PER_ADDRESS", 200, least=1)
SIGNALING_WEBSOCKET = env.choice("SIGNALING_WEBSOCKET", ("fast", "sansio"))

# Mail: links for who has forgotten a password

_MAIL = env.mail("EMAIL_URL")
EMAIL_BACKEND = f"django.core.mail.backends.{_MAIL.kind}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.tls, _MAIL.starttls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _MAIL.sender or f"gruveo@{SITE_ORIGINS[0].host}"

SECURITY_CONTACT = env.text("SECURITY_CONTACT", "")
if SECURITY_CONTACT and not SECURITY_CONTACT.startswith(("mailto:", "https://")):
    raise BadValue("SECURITY_CONTACT", "must begin with mailto: or https://.")

# Clients outside the browser

MIN_CLIENT_VERSIONS = env.parsed("MIN_CLIENT_VERSIONS", native.least_versions)
APPLE_APP_IDS = env.parsed("APPLE_APP_IDS", native.apple_app_ids)
ANDROID_APPS = env.parsed("ANDROID_APPS", native.android_apps)

# TURN

TURN_DEFAULT_REGION = env.text("TURN_DEFAULT_REGION", "")
TURN_SERVERS = env.written(
    "TURN_SERVERS", lambda text: turn_servers.by_region(text, default_region=TURN_DEFAULT_REGION)
)
if not TURN_DEFAULT_REGION and len(TURN_SERVERS) == 1:
    TURN_DEFAULT_REGION = next(iter(TURN_SERVERS))
TURN_SECRETS = env.keys("TURN_SECRETS", ()) if env.text("TURN_SECRETS", "") else ()
TURN_TTL = env.number("TURN_TTL", 3600, least=turn_rules.LEAST_TTL, most=turn_rules.MOST_TTL)
TURN_REGION_HEADER = env.header("TURN_REGION_HEADER")
TURN_REQUESTS_PER_MINUTE = env.number("TURN_REQUESTS_PER_MINUTE", 60.0, least=1)
TURN_KEY_REQUESTS_PER_MINUTE = env.number("TURN_KEY_REQUESTS_PER_MINUTE", 600.0, least=1)
for _problem in turn_rules.errors(
    relays=TURN_SERVERS, default_region=TURN_DEFAULT_REGION, secrets=TURN_SECRETS, ttl=TURN_TTL
):
    raise BadValue(_problem.variable, f"{_problem.text} {_problem.hint}")

# Where `manage.py turn_fleet` looks for relays

TURN_DISCOVERY = env.choice("TURN_DISCOVERY", ("static", "ec2"))
TURN_EC2_TAG = env.text("TURN_EC2_TAG", "gruveo:role=turn")
if not all(TURN_EC2_TAG.partition("=")):
    raise BadValue("TURN_EC2_TAG", "must be like gruveo:role=turn, the name and the value of a tag.")
TURN_EC2_REGIONS = env.names("TURN_EC2_REGIONS")
if TURN_DISCOVERY == "ec2" and not TURN_SECRETS:
    raise BadValue("TURN_SECRETS", "is not set, but TURN_DISCOVERY is ec2: without a secret there are no credentials.")

# The application

INSTALLED_APPS = [
    # First: gives `runserver` its WebSockets. Servers that are no `runserver` are 13 MB smaller without it.
    *(["daphne"] if DEBUG else []),
    "accounts.apps.DeskConfig",  # Django's admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_prose_editor",
    "js_asset",
    "lucide",
    "storages",
    "gruveo",
    "signaling",
    "capacity",
    "turnauth",
    "library",
    "search",
    "blog",
    "pages",
    "accounts",
]
MIDDLEWARE = [
    "gruveo.access.Access",  # first: sees every answer
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "library.middleware.moved",
    "accounts.middleware.desk",
    "gruveo.middleware.StaticFiles",
    "gruveo.languages.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: answers for a login that was locked out
]
ROOT_URLCONF = "gruveo.urls"
ASGI_APPLICATION = "gruveo.asgi.application"
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
            ],
        },
    },
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False  # its lines would name addresses
AXES_DISABLE_ACCESS_LOG = True  # keeps failures only, for as long as they count
OTP_TOTP_ISSUER = "Gruveo"
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 4  # seconds after a wrong code; each more doubles them
PASSWORD_RESET_TIMEOUT = 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Languages: by a cookie that only a choice sets, else as the browser asks

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français"), ("pl", "Polski")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["gruveo.formats"]
LANGUAGE_COOKIE_NAME = "__Host-language" if SECURE else "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = SECURE

TIME_ZONE = "UTC"
USE_TZ = True

# Files

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_ORIGIN = env.origin("MEDIA_ORIGIN")
_BUCKET = env.bucket()
if MEDIA_ORIGIN and not _BUCKET:
    raise BadValue("MEDIA_ORIGIN", "is set, but AWS_STORAGE_BUCKET_NAME is not: there is no bucket that it could show.")
if MEDIA_ORIGIN and SECURE and MEDIA_ORIGIN.scheme != "https":
    raise BadValue("MEDIA_ORIGIN", "must begin with https: when the site is served over https.")
STORAGES = {
    "default": {
        "BACKEND": "library.storage.BucketStorage",
        "OPTIONS": {
            "bucket_name": _BUCKET.name,
            "region_name": _BUCKET.region,
            "endpoint_url": _BUCKET.endpoint,
            "addressing_style": "path" if _BUCKET.endpoint else "virtual",
            "custom_domain": MEDIA_ORIGIN.netloc if MEDIA_ORIGIN else None,
            "url_protocol": f"{MEDIA_ORIGIN.scheme}:" if MEDIA_ORIGIN else "https:",
        },
    }
    if _BUCKET
    else {"BACKEND": "library.storage.DiskStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "gruveo.storage.HashedStaticFilesStorage"
    },
}

_PICTURE_ORIGINS = [str(origin) for origin in (MEDIA_ORIGIN, _BUCKET and _BUCKET.origin) if origin]

# What our modules add to the text editor

DJANGO_PROSE_EDITOR_EXTENSIONS = [
    {
        "js": [static_lazy("js/desk/pictures.js")],
        # What is allowed to remain is library.markup's business.
        "extensions": {
            name: html_tags([]) for name in ("Picture", "PictureCaption", "PictureFigure", "Pictures", "TrailingNode")
        },
    },
    {"js": [static_lazy("js/desk/code-language.js")], "extensions": {"CodeLanguage": html_tags([])}},
]

# What browsers are told

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION and TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *_PICTURE_ORIGINS],
        "media-src": ["'self'", "blob:"],
        # Older Safari does not count a WebSocket of the same origin as 'self'.
        "connect-src": ["'self'", *([SIGNALING_URL] if SIGNALING_URL else [origin.socket for origin in SITE_ORIGINS])],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY = {
    "camera": "self",
    "microphone": "self",
    "display-capture": "self",
    "autoplay": "self",
    "fullscreen": "self",
    "picture-in-picture": "self",
    "geolocation": [],
    "payment": [],
    "usb": [],
}

# Logs: the route of a request, never its path, because the path of a call is its code

LOG_FORMAT = env.choice("LOG_FORMAT", ("json", "line") if PRODUCTION else ("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "no_keys": {"()": "gruveo.logs.NoKeys"},
        "no_codes": {"()": "gruveo.logs.RouteInsteadOfPath"},
        "peers_fault": {"()": "gruveo.logs.NoTracebackForPeers"},
    },
    "formatters": {
        "json": {"()": "gruveo.logs.json_formatter"},
        "line": {"()": "gruveo.logs.line_formatter"},
    },
    "handlers": {
        "nowhere": {"class": "logging.NullHandler"},
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["no_codes", "no_keys", "peers_fault"],
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # A line for each request: on one machine it would only hide the others.
        "gruveo.access": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # A wrong Host header is a scanner's doing, a hundred times a day: it is answered with 400, and no traceback of ours.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        "daphne": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "axes": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "aioice": {"handlers": ["console"], "level": "WARNING", "propagate": False},  # at INFO it names addresses
    },
}

# Where our own faults are told, and what of them: gruveo.sentry

SENTRY_DSN = env.dsn("SENTRY_DSN")

# HTTPS=1 on one machine: the authority whose certificate visitors of this network may install

LOCAL_CA_FILE = VAR_DIR / "ca" / "ca.crt" if LOCAL and SECURE else None

_keys = [SECRET_KEY, ROOM_KEY, *SIGNALING_KEYS, *TURN_SECRETS, *([METRICS_TOKEN] if METRICS_TOKEN else [])]
if len(set(_keys)) < len(_keys):
    raise ImproperlyConfigured("SECRET_KEY, ROOM_KEY, SIGNALING_KEYS, TURN_SECRETS and METRICS_TOKEN must all differ.")
