"""The product's settings on a database that needs no migrations."""

from __future__ import annotations

from cryptopulse.settings import *  # noqa: F403

#: Tables are made straight from the models, as `pytest --nomigrations` does.
MIGRATION_MODULES = dict.fromkeys(("accounts", "market", "portfolio", "alerts", "cryptopulse"))

#: Each test logs in: a password that everybody knows needs no slow hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

#: Mails are files: a story reads what its people were sent (mail.py).
NOTIFICATION_CHANNELS["email"]["OPTIONS"]["backend"] = (  # noqa: F405
    "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = LOCAL_DIR / "mails"  # noqa: F405

if not DEBUG:  # noqa: F405
    #: What a production collects is collected for each product of the tests anew.
    STATIC_ROOT = LOCAL_DIR / "static"  # noqa: F405
