"""Print one log-in per role, for trying the product on one's own machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import services as accounts


class Command(BaseCommand):
    """Makes the demo people where they are missing; prints the same log-ins each time."""

    help = "Print one log-in per role (only with DEBUG=1), made on first use."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the table."""
        try:
            people = accounts.make_demo_people()
        except accounts.AccountRejected as refused:
            raise CommandError(refused.sentence) from None
        for person in people:
            self.stdout.write(
                f"{person.role.label:<10} {person.username:<8} {person.password}"
                + ("" if person.is_current else "   (changed since)")
            )
