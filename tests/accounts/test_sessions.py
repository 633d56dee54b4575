"""Where one is logged in, and logging out elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.devices import device_of
from accounts.models import Activity, OpenSession, User
from accounts.presence import SEEN
from accounts.signals import session_ended
from tests.accounts.logging_in import log_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
)


def browser(user_agent: str = FIREFOX, address: str = "203.0.113.7") -> Client:
    made = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=user_agent)
    log_in(made, "alice")
    return made


def is_in(client: Client) -> bool:
    return bool(client.get(reverse("accounts:security")).status_code == 200)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox · Windows"),
        (IPHONE, "Safari · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge · Linux"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36", "Chrome · Android"),
        ("curl/8.5", "curl"),
        ("", ""),
        ("\0<script>" * 1000, ""),
    ],
)
def test_a_device_is_called_as_people_call_it(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_sessions_are_listed_and_this_one_is_marked(alice: User) -> None:
    here = browser()
    browser(IPHONE, "198.51.100.4")
    text = here.get(reverse("accounts:security")).content.decode()
    assert text.count("This one") == 1
    for word in ("Firefox · Windows", "Safari · iPhone", "198.51.100.4"):
        assert word in text
    assert all(row.session_key not in text for row in OpenSession.objects.all())


def test_another_session_is_ended_and_its_tabs_are_told(alice: User) -> None:
    here, there = browser(), browser(IPHONE)
    ended: list[dict[str, Any]] = []

    def hear(**told: Any) -> None:
        ended.append(told)

    session_ended.connect(hear)
    key = there.session.session_key
    row = OpenSession.objects.get(session_key=key)
    here.post(reverse("accounts:session-end", args=[row.pk]))
    session_ended.disconnect(hear)
    assert (ended[0]["user_id"], ended[0]["session_key"]) == (alice.pk, key)
    assert is_in(here)
    assert not is_in(there)
    newest = Activity.objects.filter(kind="logged_out").first()
    assert newest is not None
    assert newest.summary == "alice logged out elsewhere: Safari · iPhone"


def test_all_others_are_ended_at_once(alice: User) -> None:
    here, others = browser(), [browser(), browser(IPHONE)]
    page = here.post(reverse("accounts:sessions-end"), follow=True)
    assert "2 other devices are logged out." in page.content.decode()
    assert is_in(here)
    assert not any(is_in(other) for other in others)
    again = here.post(reverse("accounts:sessions-end"), follow=True)
    assert "You are logged in nowhere else." in again.content.decode()


def test_nobody_ends_somebody_elses_session(alice: User, bob: User) -> None:
    here, stranger = browser(), Client()
    log_in(stranger, "bob")
    row = OpenSession.objects.get(user=alice)
    stranger.post(reverse("accounts:session-end", args=[row.pk]))
    assert is_in(here)
    assert "Firefox" not in stranger.get(reverse("accounts:security")).content.decode()


def test_this_session_is_ended_by_logging_out(alice: User) -> None:
    here = browser()
    row = OpenSession.objects.get()
    answer = here.post(reverse("accounts:session-end", args=[row.pk]))
    assert answer.headers["Location"] == reverse("account_logout")
    assert is_in(here)
    here.post(reverse("account_logout"))
    assert not OpenSession.objects.exists()


def test_a_changed_password_ends_the_others_and_this_one_goes_on(alice: User) -> None:
    here, there = browser(), browser(IPHONE)
    new = "violet-anchor-72"
    here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert is_in(here)
    assert not is_in(there)
    (row,) = services.open_sessions(user=alice, now=timezone.now())
    assert row.session_key == here.session.session_key


def test_a_session_that_ran_out_is_not_listed(alice: User) -> None:
    here, there = browser(), browser(IPHONE)
    there.session.delete()
    sessions = here.get(reverse("accounts:security")).context["sessions"]
    assert [row.device for row in sessions] == ["Firefox · Windows"]
    assert services.open_sessions(user=alice, now=timezone.now() + timedelta(days=15)) == []


def test_use_is_noted_every_quarter_of_an_hour_and_not_with_each_request(
    alice: User, django_assert_num_queries: Any
) -> None:
    here = browser()
    OpenSession.objects.update(seen_at=timezone.now() - timedelta(days=1), address=None)
    is_in(here)
    assert OpenSession.objects.get().address is None
    session = here.session
    session[SEEN] = session[SEEN] - 16 * 60
    session.save()
    is_in(here)
    row = OpenSession.objects.get()
    assert timezone.now() - row.seen_at < timedelta(minutes=1)
    assert row.address == "203.0.113.7"


def test_a_session_from_before_the_list_is_put_on_it(alice: User) -> None:
    here = browser()
    OpenSession.objects.all().delete()
    session = here.session
    del session[SEEN]
    session.save()
    is_in(here)
    assert OpenSession.objects.get().session_key == here.session.session_key


def test_visitors_leave_nothing(client: Client) -> None:
    client.get(reverse("account_login"))
    assert not OpenSession.objects.exists()


def test_what_is_past_its_time_is_purged(alice: User) -> None:
    browser()
    assert services.purge_open_sessions(now=timezone.now()) == 0
    assert services.purge_open_sessions(now=timezone.now() + timedelta(days=15)) == 1
