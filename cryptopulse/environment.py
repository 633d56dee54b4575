"""How settings are read: from the environment, an optional `.env`, and `NAME_FILE` for secrets."""

from __future__ import annotations

import secrets
from pathlib import Path

import environ

environ.Env.DB_SCHEMES["dynamodb"] = "cryptopulse.dynamodb"

#: Reads NAME, or the content of the file that NAME_FILE names (Docker and Kubernetes secrets).
env = environ.FileAwareEnv()


def read_dotenv(path: Path) -> None:
    """Read `.env` where there is one; the real environment wins."""
    if path.is_file():
        environ.Env.read_env(path)


def local_secret_key(folder: Path) -> str:
    """Return the development key kept in `folder`, made on first use.

    Only for DEBUG: it lives beside the development database, readable by its owner alone.
    """
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text().strip()
