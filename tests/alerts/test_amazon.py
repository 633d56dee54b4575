"""SNS, SES and SMS for real, as far as one machine goes: moto's server behind boto3."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from alerts import services, tasks
from alerts.channels.base import DeliveryError, channel_for
from alerts.models import Channel, DeliveryAttempt, Notification
from cryptopulse.clients import aws
from market.models import Coin
from tests.alerts.conftest import after, tick
from tests.alerts.test_channels import row
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def amazon(moto: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 talk to moto, with credentials that open nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    settings.AWS_ENDPOINT_URL = moto
    settings.SNS_EMAIL_ENABLED = settings.SMS_ENABLED = True


@pytest.fixture
def queue() -> tuple[str, str]:
    """A topic, and the URL of a queue that is subscribed to it."""
    name = f"alerts-{uuid.uuid4().hex[:8]}"
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    url = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    wanted = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = wanted["Attributes"]["QueueArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def received(url: str) -> list[dict[str, Any]]:
    answer = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_a_fired_alert_reaches_a_queue_behind_the_systems_topic(
    alice: Any, bitcoin: Coin, settings: Any, queue: tuple[str, str]
) -> None:
    settings.SNS_TOPIC_ARN, url = queue
    alert = services.create_alert(
        user=alice, coin_id="bitcoin", condition="above", target=Decimal(101000),
        channels=["in_app"], now=NOW,
    )  # fmt: skip
    tick("101500", 60)
    assert services.deliver_due(now=after(61)) == 2
    (message,) = received(url)
    attributes = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
    event_id = str(uuid.uuid5(alert.pk, "1"))
    assert attributes == {
        "event_id": event_id,
        "kind": "price_alert",
        "coin_id": "bitcoin",
        "user_id": str(alice.pk),
    }
    assert message["Subject"] == "Bitcoin rose to $101,500.00"
    body = json.loads(message["Message"])
    assert body["event_id"] == event_id
    assert body["title"] == "Bitcoin rose to $101,500.00"
    for secret in ("alice", "@", "10000", "balance", "cash"):
        assert secret not in message["Message"]


def test_operators_have_a_topic_of_their_own(settings: Any, queue: tuple[str, str]) -> None:
    settings.SNS_OPS_TOPIC_ARN, url = queue
    services.tell_operators(
        subject="Feed down\nfor 5 minutes", body="coingecko", now=NOW, event_id=uuid.uuid4()
    )
    assert services.deliver_due(now=NOW) == 1
    (message,) = received(url)
    assert message["Subject"] == "Feed down for 5 minutes"
    assert message["Message"] == "coingecko"
    assert message["MessageAttributes"]["kind"]["Value"] == "operations"


def test_without_a_topic_operators_are_told_nothing() -> None:
    assert services.tell_operators(subject="x", body="", now=NOW, event_id=uuid.uuid4()) == []


def test_a_topic_that_is_gone_fails_for_good(settings: Any, alice: Any) -> None:
    settings.SNS_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:gone"
    with pytest.raises(DeliveryError) as caught:
        channel_for("sns").send(row(alice, channel="sns"))
    assert caught.value.permanent
    assert str(caught.value) == "AWS refused: NotFound"


def test_an_endpoint_that_does_not_answer_is_tried_again(settings: Any, alice: Any) -> None:
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"  # nobody listens at the discard port
    settings.SNS_TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:alerts"
    services.notify(
        user=alice, kind="trade", subject="x", body="", channels=["sns"],
        event_id=uuid.uuid4(), now=NOW,
    )  # fmt: skip
    assert services.deliver_due(now=NOW) == 0
    assert Notification.objects.get().status == "pending"
    assert "AWS was not reached" in DeliveryAttempt.objects.get().error


def test_an_sms_goes_to_the_verified_number_only(moto: str, alice: Any) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    services.start_sms(user=alice, number="+420601123456", now=NOW)
    told = row(alice, channel="sms")
    with pytest.raises(DeliveryError) as caught:
        channel_for("sms").send(told)
    assert caught.value.permanent
    code = Notification.objects.get(channel="sms").body.split("is ")[1][:6]
    services.confirm_sms(user=alice, code=code, now=NOW)
    channel_for("sms").send(told)
    assert ("+420601123456", told.subject) in texts()


def test_the_code_is_sent_to_the_number_it_is_for_and_forgotten(alice: Any) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    services.start_sms(user=alice, number="+420601123457", now=NOW)
    told = Notification.objects.get(channel="sms")
    code = told.body.split("is ")[1][:6]
    assert services.deliver_due(now=NOW) == 1
    assert any(number == "+420601123457" and code in text for number, text in texts())
    told.refresh_from_db()
    assert told.body == ""
    assert code not in Channel.objects.get().code_hash


def texts() -> list[tuple[str, str]]:
    """Return the SMS that moto has taken: number and text."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.sns.models import sns_backends

    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sms_messages
    return [(message[0], message[1]) for message in sent.values()]


def test_a_personal_topic_is_made_pending_and_then_confirmed(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alerts.channels import sns

    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    channel = services.subscribe_sns_email(user=alice, now=NOW)
    assert state(alice) == "pending"
    with pytest.raises(DeliveryError):
        channel_for("sns_email").send(row(alice, channel="sns_email"))

    with monkeypatch.context() as not_yet:  # moto confirms at once; Amazon waits for the person
        not_yet.setattr(sns, "confirmed_subscription", lambda _: "")
        assert services.refresh_channel(channel_id=channel.pk, now=after(60)) == "pending"
    channel.refresh_from_db()
    assert channel.topic_arn.endswith(f"cryptopulse-{alice.pk.hex}")
    assert state(alice) == "pending"

    assert services.refresh_channels(now=after(120)) == 1
    channel.refresh_from_db()
    assert channel.verified_at == after(120)
    assert channel.subscription_arn.startswith(channel.topic_arn)
    assert state(alice) == "ready"
    subscribed = aws("sns").list_subscriptions_by_topic(TopicArn=channel.topic_arn)
    found = [(each["Protocol"], each["Endpoint"]) for each in subscribed["Subscriptions"]]
    assert found == [("email", "alice@example.com")]
    channel_for("sns_email").send(row(alice, channel="sns_email"))


def state(user: Any) -> str:
    states = {each.kind: each.status for each in services.channels_for(user=user)}
    return states["sns_email"]


def test_a_subscription_that_is_never_confirmed_is_forgotten(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alerts.channels import sns

    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    channel = services.subscribe_sns_email(user=alice, now=NOW)
    monkeypatch.setattr(sns, "confirmed_subscription", lambda _: "")
    assert services.refresh_channel(channel_id=channel.pk, now=after(47 * 3600)) == "pending"
    assert services.refresh_channel(channel_id=channel.pk, now=after(49 * 3600)) == "missing"
    assert state(alice) == "missing"


def test_an_amazon_that_does_not_answer_leaves_it_pending(alice: Any, settings: Any) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    channel = services.subscribe_sns_email(user=alice, now=NOW)
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    assert services.refresh_channel(channel_id=channel.pk, now=after(60)) == "pending"


def test_a_personal_topic_needs_a_verified_address(alice: Any) -> None:
    with pytest.raises(services.AlertRejected) as caught:
        services.subscribe_sns_email(user=alice, now=NOW)
    assert caught.value.code == "no_verified_email"


@pytest.fixture
def personal(alice: Any) -> Channel:
    """Alice's own topic, made and confirmed."""
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    channel = services.subscribe_sns_email(user=alice, now=NOW)
    services.refresh_channel(channel_id=channel.pk, now=NOW)
    channel.refresh_from_db()
    return channel


def addresses(topic: str) -> list[str]:
    found = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [each["Endpoint"] for each in found]


def topics() -> set[str]:
    return {each["TopicArn"] for each in aws("sns").list_topics()["Topics"]}


def test_a_topic_that_is_not_wanted_any_more_is_deleted(alice: Any, personal: Channel) -> None:
    services.remove_channel(user=alice, kind="sns_email")
    tasks.delete_topic(personal.topic_arn)
    assert personal.topic_arn not in topics()


def test_the_topic_of_somebody_who_subscribed_again_stays(alice: Any, personal: Channel) -> None:
    services.remove_channel(user=alice, kind="sns_email")
    again = services.subscribe_sns_email(user=alice, now=after(1))
    services.refresh_channel(channel_id=again.pk, now=after(2))
    tasks.delete_topic(personal.topic_arn)  # late
    assert addresses(personal.topic_arn) == ["alice@example.com"]
    assert state(alice) == "ready"


def test_who_subscribed_again_by_another_address_is_not_told_at_the_old_one(
    alice: Any, personal: Channel
) -> None:
    services.remove_channel(user=alice, kind="sns_email")
    EmailAddress.objects.filter(user=alice).update(email="new@example.com")
    again = services.subscribe_sns_email(user=alice, now=after(1))
    services.refresh_channel(channel_id=again.pk, now=after(2))
    tasks.delete_topic(personal.topic_arn)
    assert addresses(personal.topic_arn) == ["new@example.com"]


@pytest.mark.parametrize(
    "name", ["prices", "cryptopulse", "cryptopulse-ops", "cryptopulse-" + "g" * 32]
)
def test_a_topic_that_no_person_has_is_never_deleted(name: str) -> None:
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    tasks.delete_topic(topic)
    assert topic in topics()


@pytest.mark.parametrize("argument", ["", "x", "arn:aws:sns:us-east-1:1:cryptopulse-" + "a" * 32])
def test_what_is_no_topic_of_ours_is_not_even_asked_for(argument: str, settings: Any) -> None:
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    services.delete_topic(topic_arn=argument)


def test_mail_by_ses_needs_a_verified_sender(alice: Any, settings: Any) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    settings.DEFAULT_FROM_EMAIL = "CryptoPulse <alerts@cryptopulse.example>"
    settings.NOTIFICATION_CHANNELS = settings.NOTIFICATION_CHANNELS | {
        "email": {"BACKEND": "alerts.channels.email.EmailChannel", "OPTIONS": {"backend": "ses"}}
    }
    with pytest.raises(DeliveryError):
        channel_for("email").send(row(alice))
    aws("sesv2").create_email_identity(EmailIdentity="alerts@cryptopulse.example")
    aws("ses").verify_email_identity(EmailAddress="alerts@cryptopulse.example")
    channel_for("email").send(row(alice))


def test_clients_are_shared_and_forgotten_with_the_settings(settings: Any) -> None:
    first = aws("sns")
    assert aws("sns") is first
    settings.AWS_REGION = "eu-central-1"
    assert aws("sns") is not first
    assert aws("sns").meta.region_name == "eu-central-1"
