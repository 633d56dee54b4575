"""Sessions and invitations that are past their time go, the others stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import services, tasks
from accounts.models import Invitation, User
from accounts.services import upkeep

pytestmark = pytest.mark.django_db


def put_session(key: str, *, hours: float) -> None:
    at = timezone.now() + timedelta(hours=hours)
    Session.objects.create(session_key=key, session_data="", expire_date=at)


def test_ended_sessions_and_old_invitations_go(root: User) -> None:
    put_session("ended", hours=-1)
    put_session("here", hours=1)
    for key, days in (("old", -1), ("open", 1)):
        Invitation.objects.create(
            token_hash=key, email="a@example.com", role="user", invited_by=root,
            expires_at=timezone.now() + timedelta(days=days),
        )  # fmt: skip
    assert tasks.clear_sessions() == 2
    assert Session.objects.get().pk == "here"
    assert Invitation.objects.get().pk == "open"
    assert tasks.clear_sessions() == 0


def test_they_go_in_chunks_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PAGE", 2)
    monkeypatch.setattr(upkeep, "MOST_PER_RUN", 4)
    for number in range(5):
        put_session(str(number), hours=-1 - number)
    assert services.purge_sessions(now=timezone.now()) == 4
    assert Session.objects.get().pk == "0"  # the oldest go first
    assert services.purge_sessions(now=timezone.now()) == 1


def test_what_expires_by_itself_is_left_to_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "expires_by_itself", lambda model: model is Session)
    put_session("ended", hours=-1)
    assert services.purge_sessions(now=timezone.now()) == 0
