"""Account mail at rest: what may hold a link that opens an account is not stored in clear.

The key is derived from SECRET_KEY; what an older key of SECRET_KEY_FALLBACKS sealed opens too. A
row lives in the outbox for seconds where mail works, and for an hour where it does not.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

MARK = "sealed:"
#: What stands in place of a text whose key is gone.
LOST = "This text was sealed with a key that is no longer known."


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    derived = [hashlib.sha256(f"alerts.sealing:{key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def _current() -> MultiFernet:
    return _box((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(text: str) -> str:
    """Return the text as it is stored; nothing stays nothing."""
    return MARK + _current().encrypt(text.encode()).decode() if text else ""


def unseal(text: str) -> str:
    """Return the text that was sealed; one that was not is returned as it is."""
    if not text.startswith(MARK):
        return text
    try:
        return _current().decrypt(text.removeprefix(MARK).encode()).decode()
    except InvalidToken:
        return LOST


class SealedTextField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """A text that is stored sealed where its row is account mail (`kind`), and read in clear."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return value if value is None else unseal(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        text = super().pre_save(model_instance, add)
        return seal(text) if self.seals(model_instance) else text

    @staticmethod
    def seals(row: models.Model) -> bool:
        """Tell whether what this row says is a secret."""
        return getattr(row, "kind", "") == "mail"

    def deconstruct(self) -> Any:
        """Be a TextField to migrations: the column is one."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs
