"""The one settings file. Every value comes from the environment; DOORS names what this process is.

A process sees only what its door needs (`config.doors`): a path that is missing names its
setting, and the start-up checks of `config.checks` refuse a door that sees too much or too
little.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from config import doors, env, logging

BASE_DIR = Path(__file__).resolve().parent.parent

DOORS = env.names("DOORS", doors.OPERATOR, allowed=doors.NAMES)
# Only config/local and the tests set it. Without it every check and header of a real office is on.
LOCAL = env.flag("LOCAL")
DEBUG = False
SECRET_KEY_FILE = env.path("SECRET_KEY_FILE")
SECRET_KEY = env.signing_key(SECRET_KEY_FILE, for_doors=DOORS)
ALLOWED_HOSTS = list(env.words("ALLOWED_HOSTS", "localhost,127.0.0.1"))

PUBLIC_ORIGIN = env.text("PUBLIC_ORIGIN", "http://localhost:8100")
UPLOAD_ORIGIN = env.text("UPLOAD_ORIGIN", PUBLIC_ORIGIN)
STAFF_ORIGIN = env.text("STAFF_ORIGIN", "http://localhost:8200")
PARTNER_ORIGIN = env.text("PARTNER_ORIGIN", "http://localhost:8300")
_ORIGINS = {
    "public": PUBLIC_ORIGIN,
    "upload": PUBLIC_ORIGIN,
    "staff": STAFF_ORIGIN,
    "partner": PARTNER_ORIGIN,
}
OWN_ORIGINS = sorted({origin for door, origin in _ORIGINS.items() if door in DOORS})

# --- keys: paths, each present only in the process that holds the key -----------------------------
OFFICE_PUBLIC_KEYS_FILE = env.path("OFFICE_PUBLIC_KEYS_FILE")
OFFICE_KEY_FILE = env.path("OFFICE_KEY_FILE")
OPENER_SOCKET = env.path("OPENER_SOCKET")
LOOKUP_KEY_FILE = env.path("LOOKUP_KEY_FILE")
RECEIPT_KEY_FILE = env.path("RECEIPT_KEY_FILE")
RECEIPT_CERTIFICATE_FILE = env.path("RECEIPT_CERTIFICATE_FILE")
STAFF_SECRET_KEY_FILE = env.path("STAFF_SECRET_KEY_FILE")
PACKAGE_KEY_FILE = env.path("PACKAGE_KEY_FILE")
PACKAGE_CERTIFICATE_FILE = env.path("PACKAGE_CERTIFICATE_FILE")
CHECKPOINT_KEY_FILE = env.path("CHECKPOINT_KEY_FILE")
CHECKPOINT_PUBLIC_KEY_FILE = env.path("CHECKPOINT_PUBLIC_KEY_FILE")
TSA_KEY_FILE = env.path("TSA_KEY_FILE")
TSA_CERTIFICATE_FILE = env.path("TSA_CERTIFICATE_FILE")
TSA_URL = env.text("TSA_URL", "")
# Certificates that the outside authority's stamps must come under.
TSA_CA_FILE = env.path("TSA_CA_FILE")
CA_CERTIFICATE_FILE = env.path("CA_CERTIFICATE_FILE")
CHECKPOINTS_LOG = env.path("CHECKPOINTS_LOG")
LEDGER_ORIGIN = env.text("LEDGER_ORIGIN", "holdfast.example/ledger")

# --- serving: the public, upload, partner and staff doors -----------------------------------------
LISTEN_HOST = env.text("LISTEN_HOST", "127.0.0.1")
_ports = [doors.PORTS[door] for door in sorted(DOORS) if door in doors.PORTS]
LISTEN_PORT = env.integer("LISTEN_PORT", _ports[0] if _ports else 0)
PROCESSES = env.integer("PROCESSES", len(os.sched_getaffinity(0)), least=1)
DJANGO_THREADS = env.integer("DJANGO_THREADS", 2, least=1)

# --- evidence -------------------------------------------------------------------------------------
VAULT_DIR = env.path("VAULT_DIR")
VAULT_S3_BUCKET = env.text("VAULT_S3_BUCKET", "")
VAULT_S3_ENDPOINT = env.text("VAULT_S3_ENDPOINT", "")
MAX_FILE_BYTES = env.integer("MAX_FILE_BYTES", 4 * 1024**3)
DRAFT_QUOTA_BYTES = env.integer("DRAFT_QUOTA_BYTES", 8 * 1024**3)
DRAFT_DAYS = env.integer("DRAFT_DAYS", 30, least=7)
FREE_SPACE_FLOOR_BYTES = env.integer("FREE_SPACE_FLOOR_BYTES", 2 * 1024**3)

# --- the operator's own words: who will be told, when somebody reads ------------------------------
OPERATOR_NAME = env.text("OPERATOR_NAME", "")
OPERATOR_TOLD_WITHOUT_AGREEMENT = env.text("OPERATOR_TOLD_WITHOUT_AGREEMENT", "")
OPERATOR_READING_HOURS = env.text("OPERATOR_READING_HOURS", "")
LEAVE_URL = env.text("LEAVE_URL", "https://www.bbc.com/weather")

# The operator migrates the tables of all of them.
_SIGNS_IN = doors.OPERATOR in DOORS or any(doors.DOORS[door].signs_in for door in DOORS)

# --- database -------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL")}
# Sign-in limits and used codes must be shared by the processes of the staff door; nothing else is
# ever cached.
CACHES = {
    "default": {
        "BACKEND": "cases.staff.cache.DatabaseCache"
        if _SIGNS_IN
        else "django.core.cache.backends.dummy.DummyCache"
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the four apps, and what the staff side borrows -----------------------------------------------
# Whose pages ask nobody to sign in; see cases.staff.middleware.
URLCONFS_WITHOUT_SIGN_IN = [
    module for door in doors.DOORS.values() if not door.signs_in for _prefix, module in door.mounts
]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    *(
        ["django.contrib.messages", "allauth", "allauth.account", "allauth.mfa"]
        if _SIGNS_IN
        else []
    ),
    "reporting.custody",
    "reporting",
    "cases.staff",
    "cases",
]
AUTH_USER_MODEL = "staff.StaffMember"
SILENCED_SYSTEM_CHECKS = ["models.W042"]

_PUBLIC_FACING = [
    "config.middleware.NoNulMiddleware",
    "config.middleware.SameOriginMiddleware",
    "config.middleware.PrivacyHeadersMiddleware",
    "django.middleware.common.CommonMiddleware",  # refuses hosts that are not ALLOWED_HOSTS
]
_STAFF_ONLY = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cases.staff.middleware.SecondFactorMiddleware",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *_PUBLIC_FACING,
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *(_STAFF_ONLY if _SIGNS_IN else []),
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "reporting.screens.cookies.code_offered",
                *(
                    [
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                    if _SIGNS_IN
                    else []
                ),
            ],
        },
    }
]

# --- bytes: nothing but the upload pool takes them ------------------------------------------------
FILE_UPLOAD_HANDLERS = ["config.refuse_files.RefuseFiles"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000  # a text of TEXT_LIMIT in any script, as a form sends it

# --- staff sign-in --------------------------------------------------------------------------------
SESSION_ENGINE = "cases.staff.sessions"
SESSION_COOKIE_NAME = "__Host-office"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 14},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "office:queue"
ACCOUNT_ADAPTER = "cases.staff.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# By name and never by address: one person's mistakes keep nobody else out.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "5/5m/key"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "cases.staff.sign_in.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Office"

# --- headers --------------------------------------------------------------------------------------
SECURE_REFERRER_POLICY = "same-origin"  # "no-referrer" would make browsers send `Origin: null`
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
if not LOCAL:
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        f"connect-src 'self' {UPLOAD_ORIGIN}",
        f"form-action 'self' {UPLOAD_ORIGIN}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# --- language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

LOGGING = logging.CONFIG
BROKER_URL = env.text("BROKER_URL", "")
