"""How settings are read: from the environment, an optional `.env`, and `NAME_FILE` for secrets.

A value that cannot be read is one sentence (ImproperlyConfigured) that names the setting.
"""

from __future__ import annotations

import os
import secrets
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

environ.Env.DB_SCHEMES["dynamodb"] = "cryptopulse.dynamodb"


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # the package has no types
    """Reads NAME, or the content of the file that NAME_FILE names (Docker secrets)."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """Return the value; one that does not parse is named in the error, secrets unquoted."""
        try:
            value = super().get_value(var, *args, **kwargs)
            # A file that an editor or `echo` wrote ends in a newline that is no part of a secret.
            is_from_file = f"{var}_FILE" in os.environ and isinstance(value, str)
            return value.rstrip("\r\n") if is_from_file else value
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error
        except OSError as error:
            raise ImproperlyConfigured(
                f"The file that {var}_FILE names cannot be read: {error}."
            ) from error

    def decimal(self, var: str, *, default: str) -> Decimal:
        """Return an exact, finite decimal."""
        text = self.str(var, default=default)
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            raise ImproperlyConfigured(f"{var} is {text!r}; it must be a number such as {default}.")
        return value

    def log_level(self, var: str, *, default: str) -> str:
        """Return the name of one of logging's levels, in capitals."""
        level: str = self.str(var, default=default).upper()
        if level not in LOG_LEVELS:
            raise ImproperlyConfigured(f"{var} is {level!r}. Use one of {', '.join(LOG_LEVELS)}.")
        return level

    def database(self, var: str, *, default: str) -> dict[str, Any]:
        """Return Django's settings of the database that a URL names."""
        try:
            parsed: dict[str, Any] = self.db(var, default=default)
        except (ValueError, KeyError, environ.ImproperlyConfigured) as error:
            raise ImproperlyConfigured(f"{var} is not a database URL: {error}.") from error
        if not parsed.get("ENGINE"):
            known = "sqlite:///file, postgres://user@host/name or dynamodb://region/prefix"
            raise ImproperlyConfigured(f"{var} is not a database URL. Use {known}.")
        return parsed


env = Environment()


def read_dotenv(path: Path) -> None:
    """Read `.env` where there is one; the real environment wins."""
    if path.is_file():
        environ.Env.read_env(path)


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter; one that is there keeps its permissions."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def local_secret_key(folder: Path) -> str:
    """Return the development key kept in `folder`, made on first use.

    Only for DEBUG: it lives beside the development database, readable by its owner alone.
    """
    path = folder / "secret_key"
    try:
        if not path.exists():
            make_private(folder)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"CryptoPulse keeps its files in {folder} and cannot write there: {error.strerror}. "
            "Set LOCAL_DIR to a folder of your own."
        ) from error
