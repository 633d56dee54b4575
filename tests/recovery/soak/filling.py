"""Fills the new database: coins, three people, and their alerts.

`python -m tests.recovery.soak.filling FAST SLOW` prints the people's session cookies as JSON.
"""

from __future__ import annotations

import json
import os
import sys

import django

from .script import CHANNELS, COOLDOWN, OWNERS, wanted


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptopulse.settings")
    django.setup()

    from allauth.account.models import EmailAddress
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from alerts.models import PriceAlert
    from market import services as market

    market.seed_demo_coins()
    people, cookies = {}, {}
    for name in OWNERS:
        person = User.objects.create_user(username=name, email=f"{name}@example.com")
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
        browser = Client()
        browser.force_login(person)
        people[name], cookies[name] = person, browser.cookies[settings.SESSION_COOKIE_NAME].value
    now = timezone.now()
    PriceAlert.objects.bulk_create(
        PriceAlert(
            id=alert.key,
            user=people[alert.owner],
            coin_id=alert.coin_id,
            condition=alert.condition,
            target=alert.target,
            repeats=alert.repeats,
            cooldown=COOLDOWN,
            channels=list(CHANNELS),
            created_at=now,
            armed_at=now,
        )
        for alert in wanted(fast=int(sys.argv[1]), slow=int(sys.argv[2]))
    )
    print(json.dumps(cookies))


if __name__ == "__main__":
    main()
