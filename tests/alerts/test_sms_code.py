"""Verifying a number: six digits, ten minutes, five tries, one number."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress

from alerts import services
from alerts.models import Channel, Notification
from alerts.services import AlertRejected
from tests.alerts.conftest import after
from tests.conftest import NOW

NUMBER = "+420601123456"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sms_is_on(settings: Any, alice: Any, bob: Any) -> None:
    settings.SMS_ENABLED = True
    for person in (alice, bob):
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)


def start(user: Any, number: str = NUMBER, seconds: float = 0) -> str:
    """Ask for a code and return the one that was sent."""
    services.start_sms(user=user, number=number, now=after(seconds))
    told = Notification.objects.filter(channel="sms").order_by("created_at").last()
    assert told is not None
    return str(told.body).split("is ")[1][:6]


def code_of_refusal(user: Any, code: str, seconds: float = 0) -> str:
    with pytest.raises(AlertRejected) as caught:
        services.confirm_sms(user=user, code=code, now=after(seconds))
    return caught.value.code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_code_verifies_the_number(alice: Any) -> None:
    code = start(alice)
    assert len(code) == 6
    channel = services.confirm_sms(user=alice, code=f" {code} ", now=after(599))
    assert channel.verified_at == after(599)
    assert channel.code_hash == ""


def test_a_code_is_used_once(alice: Any) -> None:
    code = start(alice)
    services.confirm_sms(user=alice, code=code, now=NOW)
    assert code_of_refusal(alice, code) == "no_code"


def test_a_code_expires(alice: Any) -> None:
    assert code_of_refusal(alice, start(alice), seconds=601) == "code_expired"


def test_after_five_wrong_codes_the_right_one_is_refused(alice: Any) -> None:
    code = start(alice)
    for _ in range(5):
        assert code_of_refusal(alice, wrong(code)) == "wrong_code"
    assert code_of_refusal(alice, code) == "too_many_tries"
    assert Channel.objects.get().verified_at is None


@pytest.mark.parametrize(
    "code",
    ["", "abc", "12345", "1234567", "\uff11\uff12\uff13\uff14\uff15\uff16", "\x00", "9" * 999],
)
def test_what_is_no_code_costs_a_try(alice: Any, code: str) -> None:
    start(alice)
    assert code_of_refusal(alice, code) == "wrong_code"
    assert Channel.objects.get().code_tries == 1


def test_somebody_elses_code_is_wrong(alice: Any, bob: Any) -> None:
    code = start(alice)
    assert code_of_refusal(bob, code) == "no_code"
    if code != start(bob):
        assert code_of_refusal(bob, code) == "wrong_code"


def test_another_number_replaces_the_first_and_must_be_verified(alice: Any) -> None:
    services.confirm_sms(user=alice, code=start(alice), now=NOW)
    first = start(alice, "+420602000000", seconds=1)
    channel = Channel.objects.get()
    assert (channel.address, channel.verified_at) == ("+420602000000", None)
    services.confirm_sms(user=alice, code=first, now=after(2))


def test_an_old_code_does_not_verify_a_new_number(alice: Any) -> None:
    old = start(alice)
    new = start(alice, "+420602000000", seconds=1)
    if old != new:
        assert code_of_refusal(alice, old) == "wrong_code"


def test_sms_that_is_off_is_refused(alice: Any, settings: Any) -> None:
    settings.SMS_ENABLED = False
    with pytest.raises(AlertRejected) as caught:
        services.start_sms(user=alice, number=NUMBER, now=NOW)
    assert caught.value.code == "not_offered"


def refusal_of(user: Any, number: str = NUMBER, seconds: float = 0) -> AlertRejected:
    with pytest.raises(AlertRejected) as caught:
        services.start_sms(user=user, number=number, now=after(seconds))
    return caught.value


def test_no_code_goes_out_for_somebody_without_a_confirmed_address(alice: Any) -> None:
    EmailAddress.objects.filter(user=alice).update(verified=False)
    refused = refusal_of(alice)
    assert (refused.code, refused.field) == ("no_verified_email", "number")
    assert "Confirm your e-mail address first" in refused.sentence
    assert not Notification.objects.filter(channel="sms").exists()


def test_a_number_gets_three_codes_an_hour_whoever_asks(alice: Any, bob: Any) -> None:
    for person in (alice, bob, alice):
        start(person)
    refused = refusal_of(bob)
    assert refused.code == "too_many_codes"
    assert refused.sentence.startswith("This number has got enough codes for now. Try again in ")
    assert start(bob, "+420601123457")  # another one is another's
    assert start(bob, seconds=3600)
    assert Notification.objects.filter(channel="sms").count() == 5


def test_all_codes_together_have_a_limit(alice: Any, bob: Any, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sms_all": (2, 86400)}
    start(alice, "+420601000001")
    start(bob, "+420601000002")
    assert refusal_of(bob, "+420601000003").sentence.startswith("We cannot send more codes")
