"""Every setting of the product, for the laptop and for AWS alike.

All of them are read from the environment; the README's table explains each. What is wrong or
missing is reported by a system check (`cryptopulse.checks`) with a hint, not by a traceback.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from .dynamodb_tables import TABLES
from .environment import env, local_secret_key, read_dotenv

BASE_DIR = Path(__file__).resolve().parent.parent
if env.bool("READ_DOTENV", default=True):
    read_dotenv(BASE_DIR / ".env")
LOCAL_DIR = Path(env.str("LOCAL_DIR", default=str(BASE_DIR / ".local")))

# --- Who we are -----------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Give it a long random value, or set DEBUG=1 on a laptop."
        )
    SECRET_KEY = local_secret_key(LOCAL_DIR)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

PORT = env.int("PORT", default=8000)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
#: How many proxies of ours stand in front; 0 believes no X-Forwarded-For at all.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
#: Where people reach us, for links in messages that no request stands behind.
SITE_URL = env.str("SITE_URL", default=f"http://localhost:{PORT}").rstrip("/")

# --- Applications ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "cryptopulse.late.LateAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_celery_beat",
    "accounts",
    "market",
    "portfolio",
    "alerts",
    "cryptopulse",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "cryptopulse.middleware.DropNulMiddleware",
    "cryptopulse.middleware.static_files",
    # Pages hold one secret, the CSRF token: it is masked anew in each answer, and both pad
    # what they compress by a random length, so that sizes tell nothing (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "cryptopulse.compression.BrotliMiddleware",
    "csp.middleware.CSPMiddleware",
    "cryptopulse.middleware.AdminContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cryptopulse.middleware.PrivatePagesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.SpeakingMiddleware",
    "accounts.presence.PresenceMiddleware",
]

ROOT_URLCONF = "cryptopulse.urls"
ASGI_APPLICATION = "cryptopulse.asgi.application"
#: Pages that one process makes at the same time; the others wait in line (cryptopulse.pages).
#: Each takes its turns at the interpreter, before a tick and the event loop get theirs.
PAGE_THREADS = env.int("PAGE_THREADS", default=4)

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
                "cryptopulse.portals.context.shell",
            ],
            "builtins": [
                "django.templatetags.static",
                "django.templatetags.i18n",
                "cryptopulse.templatetags.ui",
            ],
        },
    },
]

# --- Storage --------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database(
        "DATABASE_URL", default=f"sqlite:///{LOCAL_DIR / 'cryptopulse.sqlite3'}"
    ),
}
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # see cryptopulse.atomic
SQLITE_OPTIONS: dict[str, Any] = {
    # A deferred transaction that reads first and writes later is refused at once while
    # another writes ("database is locked"), whatever the timeout; IMMEDIATE waits its turn.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # Of the 2 MB that a connection keeps by itself, many rows at once write pages more than once:
    # 16 MB (in KiB, taken as they are needed) save a sixth of ten thousand fired alerts.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
elif DATABASES["default"]["ENGINE"] == "cryptopulse.dynamodb":
    DATABASES["default"].setdefault("OPTIONS", {})["TABLES"] = TABLES
if DATABASES["default"]["ENGINE"] != "cryptopulse.dynamodb":  # which has a pool
    # Kept by the threads that make pages; a new one costs SQLite a millisecond, PostgreSQL more.
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    # Its default of 300 entries would let a stranger push other people's rate limits out.
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
    if REDIS_URL
    else {"BACKEND": "cryptopulse.live.layer.OneProcessLayer"}
}

AWS_REGION = env.str("AWS_REGION", default="us-east-1")
#: A local server that speaks AWS (tests and trials); empty is AWS itself.
AWS_ENDPOINT_URL = env.str("AWS_ENDPOINT_URL", default="")
AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", default="")  # static files
AWS_MEDIA_BUCKET_NAME = env.str("AWS_MEDIA_BUCKET_NAME", default=AWS_STORAGE_BUCKET_NAME)

STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_ROOT = LOCAL_DIR / "media"
STATICFILES_DIRS = [BASE_DIR / "cryptopulse" / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "cryptopulse.finders.NpmFinder",
]
#: prefix under STATIC_URL -> (folder in node_modules, the files of it that pages use).
NPM_ASSETS = {
    "vendor/lightweight-charts": (
        "lightweight-charts/dist",
        ["lightweight-charts.standalone.production.js"],
    ),
    "vendor/inter": (
        "@fontsource-variable/inter/files",
        ["inter-latin-wght-normal.woff2"],
    ),
}
STORAGES: dict[str, dict[str, Any]]
if AWS_STORAGE_BUCKET_NAME:
    STATIC_URL = env.str(
        "STATIC_URL",
        default=f"https://{AWS_STORAGE_BUCKET_NAME}.s3.{AWS_REGION}.amazonaws.com/static/",
    )
    MEDIA_URL = f"https://{AWS_MEDIA_BUCKET_NAME}.s3.{AWS_REGION}.amazonaws.com/media/"
    _S3 = {
        "region_name": AWS_REGION,
        "endpoint_url": AWS_ENDPOINT_URL or f"https://s3.{AWS_REGION}.amazonaws.com",
        "signature_version": "s3v4",
        "default_acl": None,  # the bucket's policy decides, not the object
    }
    STORAGES = {
        # Private: a link is signed and lives for five minutes.
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": _S3
            | {
                "bucket_name": AWS_MEDIA_BUCKET_NAME,
                "location": "media",
                "addressing_style": "virtual" if not AWS_ENDPOINT_URL else "path",
                "querystring_auth": True,
                "querystring_expire": 300,
                "file_overwrite": False,
            },
        },
        # Public, named by content, and so cached for a year.
        "staticfiles": {
            "BACKEND": "storages.backends.s3.S3ManifestStaticStorage",
            "OPTIONS": _S3
            | {
                "bucket_name": AWS_STORAGE_BUCKET_NAME,
                "location": "static",
                "custom_domain": urlsplit(STATIC_URL).netloc,
                "querystring_auth": False,
                "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
            },
        },
    }
else:
    STATIC_URL = env.str("STATIC_URL", default="/static/")
    MEDIA_URL = "/media/"
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {
            "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "cryptopulse.collected.SlimmedStaticFilesStorage"
        },
    }
SERVESTATIC_USE_FINDERS = DEBUG
SERVESTATIC_ALLOW_ALL_ORIGINS = False  # no other site uses our files
SERVESTATIC_AUTOREFRESH = DEBUG

# --- People ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portals:home"
LOGOUT_REDIRECT_URL = "portals:landing"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_BLACKLIST = ["admin", "root", "moderator", "analyst", "support", "cryptopulse"]
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme
#: allauth's own limits but for these: nobody's mailbox is filled, no robot signs up all day.
ACCOUNT_RATE_LIMITS = {
    "signup": "20/m/ip,200/d/ip",
    "reset_password": "20/m/ip,5/h/key",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "CryptoPulse"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
INVITATION_LIFETIME = timedelta(days=7)

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# --- Security headers -----------------------------------------------------------------------

#: Behind TLS everywhere but on a laptop; HTTPS=0 is for trying production settings on one.
HTTPS = env.bool("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and not env.bool("TLS_ENDS_BEFORE_US", default=False)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def _origin(url: str) -> list[str]:
    """Return the other origin that files of this URL come from, if it is another one."""
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


_FILES = [SELF, *_origin(STATIC_URL)]
_IMAGES = [*dict.fromkeys([*_FILES, *_origin(MEDIA_URL), "data:"])]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": _FILES,
        "style-src": _FILES,
        "font-src": _FILES,
        "img-src": _IMAGES,
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
#: What the Django admin needs beyond that: its theme evaluates Alpine expressions and sets
#: style attributes.
ADMIN_CONTENT_SECURITY_POLICY: dict[str, list[str]] = {
    "script-src": [UNSAFE_EVAL],
    "style-src": [UNSAFE_INLINE],
}

# --- Time and language ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]  # our words, and those of ours for the pages of allauth
#: A number that a template draws as it is has a point in every language: it is for attributes
#: and scripts. What people read is written by cryptopulse.figures.
FORMAT_MODULE_PATH = ["cryptopulse.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

# --- Background work ------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL or "memory://localhost/")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    # A page that asks for a delivery does not wait for a broker that is gone (without these,
    # publishing tries for ever); the beat delivers.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
} | (
    {"polling_interval": 0.02}  # its default is a second
    if CELERY_BROKER_URL.startswith("memory")
    else {"socket_connect_timeout": 2, "socket_timeout": 10}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # there are no results, so beat needs no job that deletes them
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "cryptopulse.scheduler:SkippingScheduler"

# --- The market -----------------------------------------------------------------------------

#: Which feeds bring prices, best first. Empty lets a new database choose: CoinGecko when it
#: answers, else simulated prices, labelled as such; afterwards the database's own kind.
MARKET_FEEDS = env.list("MARKET_FEEDS", default=[])
COINGECKO_API_KEY = env.str("COINGECKO_API_KEY", default="")
COINGECKO_PLAN = env.str("COINGECKO_PLAN", default="demo" if COINGECKO_API_KEY else "keyless")
FEEDS: dict[str, dict[str, Any]] = {
    "coingecko": {
        "BACKEND": "market.feeds.coingecko.CoinGeckoFeed",
        "OPTIONS": {
            "plan": COINGECKO_PLAN,
            "api_key": COINGECKO_API_KEY,
            "base_url": env.str("COINGECKO_URL", default=""),
            # 0 is what the smallest plan of that name allows.
            "monthly_calls": env.int("COINGECKO_MONTHLY_CALLS", default=0),
            "calls_per_minute": env.int("COINGECKO_CALLS_PER_MINUTE", default=0),
        },
    },
    "coinbase": {
        "BACKEND": "market.feeds.exchanges.CoinbaseFeed",
        "OPTIONS": {"url": env.str("COINBASE_URL", default="")},
    },
    "kraken": {
        "BACKEND": "market.feeds.exchanges.KrakenFeed",
        "OPTIONS": {"url": env.str("KRAKEN_URL", default="")},
    },
    "binance": {
        "BACKEND": "market.feeds.exchanges.BinanceFeed",
        "OPTIONS": {"url": env.str("BINANCE_URL", default="")},
    },
    "simulated": {
        "BACKEND": "market.feeds.simulated.SimulatedFeed",
        "OPTIONS": {
            "seed": env.int("SIMULATED_SEED", default=1),
            "interval": env.float("SIMULATED_INTERVAL", default=2.0),
        },
    },
    "replay": {
        "BACKEND": "market.feeds.replay.ReplayFeed",
        "OPTIONS": {
            "path": env.str("REPLAY_FILE", default=""),
            "coin_id": env.str("REPLAY_COIN", default="bitcoin"),
            "speed": env.float("REPLAY_SPEED", default=3600.0),
        },
    },
}
#: How often in a second the ticks of a stream go to browsers, at most.
STREAM_RATE = env.float("STREAM_RATE", default=4.0)
#: A price older than this is shown as stale, and is neither traded nor alerted on. At least
#: three times the feed's poll interval (300 s on CoinGecko's demo plan), so that one failed
#: fetch does not stop trading.
STALE_AFTER = timedelta(
    seconds=env.int("STALE_AFTER_SECONDS", default=900 if COINGECKO_PLAN == "demo" else 300)
)
CURRENCIES = ["USD", "EUR", "GBP", "JPY", "INR", "AUD", "CAD", "CHF", "CNY", "KRW", "CZK"]
NEWS_FEEDS = env.list(
    "NEWS_FEEDS",
    default=[
        "https://www.coindesk.com/arc/outboundfeeds/rss/",
        "https://cointelegraph.com/rss",
        "https://decrypt.co/feed",
    ],
)
#: Only for trials with a publisher on this machine: no other private address is ever fetched.
NEWS_ALLOW_LOOPBACK = env.bool("NEWS_ALLOW_LOOPBACK", default=False)

#: What a million capacity units cost on demand (us-east-1), in dollars, for the admin's estimate.
DYNAMODB_READ_PRICE = env.decimal("DYNAMODB_READ_PRICE", default="0.125")
DYNAMODB_WRITE_PRICE = env.decimal("DYNAMODB_WRITE_PRICE", default="0.625")

# --- Virtual trading ------------------------------------------------------------------------

START_BALANCE = env.decimal("START_BALANCE", default="10000.00")
TRADE_FEE_RATE = env.decimal("TRADE_FEE_RATE", default="0")  # of the amount: 0.001 is 0.1 %

# --- Notifications --------------------------------------------------------------------------

SNS_TOPIC_ARN = env.str("SNS_TOPIC_ARN", default="")
SNS_OPS_TOPIC_ARN = env.str("SNS_OPS_TOPIC_ARN", default="")
SMS_ENABLED = env.bool("SMS_ENABLED", default=False)
SNS_EMAIL_ENABLED = env.bool("SNS_EMAIL_ENABLED", default=False)
#: channel kind -> how it is delivered. What is not configured is not offered.
NOTIFICATION_CHANNELS: dict[str, dict[str, Any]] = {
    "in_app": {"BACKEND": "alerts.channels.in_app.InAppChannel", "OPTIONS": {}},
    "email": {
        "BACKEND": "alerts.channels.email.EmailChannel",
        "OPTIONS": {"backend": env.str("EMAIL_TRANSPORT", default="console")},
    },
    "console": {"BACKEND": "alerts.channels.console.ConsoleChannel", "OPTIONS": {}},
    "sms": {"BACKEND": "alerts.channels.sms.SmsChannel", "OPTIONS": {}},
    "sns_email": {"BACKEND": "alerts.channels.sns.PersonalTopicChannel", "OPTIONS": {}},
    "sns": {"BACKEND": "alerts.channels.sns.SystemTopicChannel", "OPTIONS": {}},
    "sns_ops": {"BACKEND": "alerts.channels.sns.OperationsTopicChannel", "OPTIONS": {}},
}
#: Django's mail goes into the outbox; a task sends it by EMAIL_TRANSPORT: console, smtp or ses.
EMAIL_BACKEND = "alerts.mail.OutboxEmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="CryptoPulse <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10

# --- Limits on our own doors (per person, or per address for visitors) ----------------------

#: name -> (how many, in how many seconds); see cryptopulse.limits.
RATE_LIMITS: dict[str, tuple[int, int]] = {
    "trade": (60, 60),
    "alert": (60, 60),
    "watchlist": (120, 60),
    "read": (600, 60),
    "invite": (30, 3600),
    "export": (20, 600),
    "import": (30, 600),  # each may write thousands of rows, looking at one counts too
    "verify": (10, 3600),
    "sms_number": (3, 3600),  # codes to one number, whoever asks
    "sms_all": (500, 86400),  # codes to anybody: each one costs money
    "socket": (240, 60),
}
#: Open websockets per client address. A page takes two, and an office has one address.
SOCKETS_PER_ADDRESS = env.int("SOCKETS_PER_ADDRESS", default=200)
#: Frames of the ticker are compressed, once for all browsers that can take it: a sixth of the
#: bytes, and less work for the kernel. Off where a proxy in front does not pass it on.
TICKER_DEFLATE = env.bool("TICKER_DEFLATE", default=True)

#: What is flagged for the moderators: pattern -> (how many, within how many seconds).
FLAG_RULES: dict[str, tuple[int, int]] = {
    "person_logins": (8, 900),  # failed log-ins of one person
    "address_logins": (20, 600),  # failed log-ins from one address (of IPv6 its /64)
    "trades": (30, 60),  # of one person
    "accounts": (5, 3600),  # sign-ups from one address
}

# --- Logging --------------------------------------------------------------------------------

LOG_LEVEL = env.log_level("LOG_LEVEL", default="INFO")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Django brings handlers of its own, which would say everything a second time.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        **{
            name: {"level": LOG_LEVEL}
            for name in ("accounts", "market", "portfolio", "alerts", "cryptopulse")
        },
    },
}

# --- Django admin ---------------------------------------------------------------------------

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "CryptoPulse",
    "SITE_HEADER": "CryptoPulse",
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": "/home/",
    "DASHBOARD_CALLBACK": "cryptopulse.admin_site.dashboard",
    "ENVIRONMENT": "cryptopulse.admin_site.environment",
    "SIDEBAR": {"navigation": "cryptopulse.admin_site.navigation", "show_search": True},
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {  # the accent of our own pages, from light to dark
        "primary": {
            "50": "#f0f1ff",
            "100": "#e2e4ff",
            "200": "#cacdff",
            "300": "#abb1ff",
            "400": "#8b96ff",
            "500": "#6f7af2",
            "600": "#5560e6",
            "700": "#4a53d6",
            "800": "#3a41a8",
            "900": "#2c3180",
            "950": "#1c1f52",
        },
    },
}
