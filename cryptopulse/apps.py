"""The project itself as an app: what it checks and what it hears."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils import translation


class CryptopulseConfig(AppConfig):
    name = "cryptopulse"
    verbose_name = "CryptoPulse"

    def ready(self) -> None:
        from . import checks, schedules, words  # noqa: F401 (registers the checks)
        from .live import receivers  # noqa: F401 (connects the receivers)

        words.speak_by(translation.gettext, translation.ngettext)
        schedules.connect()
        from .portals import faults, workers

        faults.connect()
        workers.connect()
