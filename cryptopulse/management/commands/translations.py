"""Find our texts, compile their translations, say what is missing. See cryptopulse.translations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cryptopulse import translations


class Command(BaseCommand):
    help = "Extract our texts into locale/, compile them, or check that none is missing."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="+", choices=["extract", "compile", "check"])

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 (Django's signature)
        if "extract" in options["what"]:
            translations.extract_all()
        if "compile" in options["what"]:
            translations.compile_all()
        if "check" in options["what"]:
            found = [
                f"{language}: {problem}"
                for language in translations.languages()
                for domain in ("django", "djangojs")
                for problem in translations.problems(language, domain)
            ]
            self.stdout.write("\n".join(found))
            if found:
                raise CommandError(f"{len(found)} texts need somebody who speaks the language.")
            self.stdout.write("Every text is translated.")
