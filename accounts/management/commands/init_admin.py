"""Make the first administrator."""

from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from accounts import services as accounts
from accounts.models import User
from accounts.roles import Role
from cryptopulse.environment import env


class Command(BaseCommand):
    """Needs no web page, so that a new installation has somebody to begin with."""

    help = (
        "Make the first administrator. Username and e-mail come from the options or from "
        "INIT_ADMIN_USERNAME and INIT_ADMIN_EMAIL; the password from INIT_ADMIN_PASSWORD (or the "
        "file that INIT_ADMIN_PASSWORD_FILE names), else it is asked for, else generated and "
        "printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--username", help="default: INIT_ADMIN_USERNAME, or root")
        parser.add_argument("--email", help="default: INIT_ADMIN_EMAIL")
        parser.add_argument(
            "--generate", action="store_true", help="generate the password instead of asking"
        )
        parser.add_argument(
            "--if-missing",
            action="store_true",
            help="do nothing, successfully, where this administrator exists already",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the account or say in one sentence why not."""
        username = (options["username"] or env.str("INIT_ADMIN_USERNAME", default="root")).lower()
        email = (options["email"] or env.str("INIT_ADMIN_EMAIL", default="")).lower()
        if not email:
            raise CommandError("Which e-mail address? Give --email or set INIT_ADMIN_EMAIL.")
        if self._exists(username, email, may_exist=options["if_missing"]):
            self.stdout.write(f"{username} is an administrator already; nothing to do.")
            return
        password, is_generated = self._password(generate=options["generate"])
        try:
            accounts.create_admin(username=username, email=email, password=password)
        except accounts.AccountRejected as refused:
            raise CommandError(refused.sentence) from None
        self.stdout.write(f"Made the administrator {username} ({email}).")
        if is_generated:
            self.stdout.write(f"Password, shown only this once: {password}")

    def _exists(self, username: str, email: str, *, may_exist: bool) -> bool:
        found = User.objects.filter(Q(username=username) | Q(email=email)).first()
        if found is None:
            return False
        if may_exist and found.role == Role.ADMIN and found.username == username:
            return True
        raise CommandError(
            f"There is already an account {found.username} ({found.email}, "
            f"role {found.get_role_display()}). Choose another name and address."
        )

    def _password(self, *, generate: bool) -> tuple[str, bool]:
        """Return the password and whether we made it up."""
        if given := env.str("INIT_ADMIN_PASSWORD", default="").rstrip("\r\n"):  # files end so
            return given, False
        if generate or not sys.stdin.isatty():
            return secrets.token_urlsafe(15), True
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password again: ") != password:
            raise CommandError("The two passwords are not the same.")
        return password, False
