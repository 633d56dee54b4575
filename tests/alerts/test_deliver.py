"""The outbox: what is due is sent once, in order, retried, recorded and forgotten in time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from alerts import services
from alerts.channels.base import DeliveryError, NotificationChannel
from alerts.models import DeliveryAttempt, Notification
from alerts.services import delivery
from tests.alerts.conftest import after
from tests.conftest import NOW, make_person


class Postbox(NotificationChannel):
    """Keeps what is sent; does first what a test tells it to."""

    sent: list[uuid.UUID] = []
    before: Callable[[Notification], object] | None = None

    def send(self, notification: Notification) -> None:
        if Postbox.before:
            Postbox.before(notification)
        Postbox.sent.append(notification.pk)


@pytest.fixture(autouse=True)
def postbox(settings: Any) -> Iterator[type[Postbox]]:
    """Let every channel end in one box."""
    backend = {"BACKEND": "tests.alerts.test_deliver.Postbox", "OPTIONS": {}}
    settings.NOTIFICATION_CHANNELS = dict.fromkeys(["in_app", "email", "sms", "sns"], backend)
    Postbox.sent, Postbox.before = [], None
    yield Postbox
    Postbox.before = None


def write(number: int = 1, *, user: Any = None, at: datetime = NOW, **extra: Any) -> list[Any]:
    rows = []
    for each in range(number):
        details = {"kind": "operations", "channels": ["email"], "body": "text"} | extra
        rows += services.notify(
            user=user, subject=f"Number {each}", event_id=uuid.uuid4(), now=at, **details
        )
    return rows


def fails(permanent: bool = False) -> Callable[[Notification], object]:
    def refuse(_: Notification) -> None:
        raise DeliveryError("no", permanent=permanent)

    return refuse


@pytest.mark.django_db
class TestOneWorker:
    def test_what_is_due_is_sent_and_recorded(self) -> None:
        (row,) = write()
        assert services.deliver_due(now=after(5)) == 1
        row.refresh_from_db()
        assert (row.status, row.attempts, row.error) == ("sent", 1, "")
        assert after(5) <= row.settled_at < after(10)
        attempt = DeliveryAttempt.objects.get()
        assert (attempt.notification_id, attempt.succeeded, attempt.error) == (row.pk, True, "")

    def test_what_was_sent_is_not_sent_again(self) -> None:
        write(3)
        services.deliver_due(now=after(1))
        assert services.deliver_due(now=after(3600)) == 0
        assert len(Postbox.sent) == 3

    def test_what_is_not_due_waits(self) -> None:
        write(at=after(60))
        assert services.deliver_due(now=after(50)) == 0
        assert services.deliver_due(now=after(60)) == 1

    def test_the_longest_waiting_goes_first(self) -> None:
        rows = [write(at=after(number))[0].pk for number in range(40)]
        services.deliver_due(now=after(100))
        assert Postbox.sent == rows

    def test_the_longest_waiting_goes_first_also_behind_a_full_bucket(self) -> None:
        """One bucket holds what an earlier crash has fired, another what came since."""
        early = write(3 * delivery.ROWS_PER_BUCKET)
        late = write(10, at=after(1))
        Notification.objects.filter(pk__in=[row.pk for row in early]).update(bucket=0)
        Notification.objects.filter(pk__in=[row.pk for row in late]).update(bucket=1)
        services.deliver_due(now=after(2))
        assert set(Postbox.sent[: len(early)]) == {row.pk for row in early}
        assert len(Postbox.sent) == len(early) + len(late)

    def test_more_than_one_batch_is_sent_in_one_run(self) -> None:
        write(delivery.ROWS_PER_BUCKET * 16 + 50)
        expected = delivery.ROWS_PER_BUCKET * 16 + 50
        assert services.deliver_due(now=after(1)) == expected

    def test_an_event_written_twice_is_sent_once(self) -> None:
        event = uuid.uuid4()
        for _ in range(2):
            services.notify(
                user=None, kind="operations", subject="x", body="", channels=["email", "sms"],
                event_id=event, now=NOW,
            )  # fmt: skip
        assert services.deliver_due(now=NOW) == 2

    def test_a_temporary_failure_is_tried_again_later(self) -> None:
        (row,) = write()
        Postbox.before = fails()
        assert services.deliver_due(now=NOW) == 0
        row.refresh_from_db()
        assert (row.status, row.error, row.settled_at) == ("pending", "no", None)
        assert after(14) <= row.due_at <= after(31)
        Postbox.before = None
        assert services.deliver_due(now=after(10)) == 0
        assert services.deliver_due(now=after(31)) == 1
        tries = DeliveryAttempt.objects.order_by("id").values_list("succeeded", "error")
        assert list(tries) == [(False, "no"), (True, "")]

    def test_a_permanent_failure_is_the_last(self) -> None:
        (row,) = write()
        Postbox.before = fails(permanent=True)
        services.deliver_due(now=NOW)
        row.refresh_from_db()
        assert (row.status, row.error, row.attempts) == ("failed", "no", 1)
        Postbox.before = None
        assert services.deliver_due(now=after(10**6)) == 0

    def test_after_the_last_attempt_it_has_failed(self) -> None:
        (row,) = write()
        Postbox.before = fails()
        for number in range(20):
            services.deliver_due(now=after(3601 * number))
        row.refresh_from_db()
        assert (row.status, row.attempts) == ("failed", delivery.MAX_ATTEMPTS)
        assert DeliveryAttempt.objects.count() == delivery.MAX_ATTEMPTS

    def test_what_nobody_expected_is_tried_again(self, caplog: pytest.LogCaptureFixture) -> None:
        (row,) = write()
        Postbox.before = lambda _: 1 / 0
        services.deliver_due(now=NOW)
        row.refresh_from_db()
        assert (row.status, row.error) == ("pending", "Unexpected: ZeroDivisionError")
        assert "could not be sent" in caplog.text

    def test_a_worker_that_dies_after_sending_doubles_that_one_only(self) -> None:
        first, second = write()[0], write(at=after(1))[0]

        def dies(row: Notification) -> None:
            Postbox.sent.append(row.pk)
            raise KeyboardInterrupt

        Postbox.before = dies
        with pytest.raises(KeyboardInterrupt):
            services.deliver_due(now=after(2))
        Postbox.before = None
        services.deliver_due(now=after(3))
        assert Postbox.sent == [first.pk, second.pk], "the lease still holds the first"
        services.deliver_due(now=after(2) + delivery.LEASE)
        services.deliver_due(now=after(10**6))
        assert Postbox.sent == [first.pk, second.pk, first.pk]
        tries = DeliveryAttempt.objects.filter(notification=first).order_by("id")
        assert [attempt.error for attempt in tries] == [delivery.UNFINISHED, ""]

    def test_a_row_that_kills_every_worker_is_given_up(self) -> None:
        (row,) = write()

        def dies(_: Notification) -> None:
            raise KeyboardInterrupt

        Postbox.before = dies
        for number in range(delivery.MAX_ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                services.deliver_due(now=after(1000 * number))
        services.deliver_due(now=after(10**6))
        row.refresh_from_db()
        assert row.status == "failed"
        assert "Given up" in row.error

    def test_a_channel_that_is_down_does_not_hold_up_the_others(self) -> None:
        down = write(10, channels=["email"])
        fine = write(10, at=after(1), channels=["sms"])

        def email_is_down(row: Notification) -> None:
            if row.channel == "email":
                raise DeliveryError("down")

        Postbox.before = email_is_down
        assert services.deliver_due(now=after(2)) == 10
        assert set(Postbox.sent) == {row.pk for row in fine}
        assert DeliveryAttempt.objects.filter(succeeded=False).count() == delivery.PATIENCE
        Postbox.before = None
        assert services.deliver_due(now=after(60)) == len(down)

    def test_a_suspended_person_is_told_nothing_but_account_mail(self, alice: Any) -> None:
        type(alice).objects.update(is_active=False)
        write(user=alice, kind="price_alert")
        write(user=alice, kind="mail", address="alice@example.com")
        services.deliver_due(now=NOW)
        found = Notification.objects.values_list("kind", "status")
        assert set(found) == {("price_alert", "failed"), ("mail", "sent")}

    @pytest.mark.parametrize("permanent", [None, True])
    def test_account_mail_is_blanked_once_it_is_settled(self, permanent: bool | None) -> None:
        (row,) = write(kind="mail", body="link", html="<a>link</a>", address="a@example.com")
        Postbox.before = fails(permanent) if permanent else None
        services.deliver_due(now=NOW)
        row.refresh_from_db()
        assert row.settled_at is not None
        assert (row.body, row.html) == ("", "")

    def test_account_mail_that_will_be_tried_again_keeps_its_body(self) -> None:
        (row,) = write(kind="mail", body="link", address="a@example.com")
        Postbox.before = fails()
        services.deliver_due(now=NOW)
        row.refresh_from_db()
        assert row.body == "link"

    def test_a_channel_that_is_not_configured_fails_for_good(self) -> None:
        (row,) = write(channels=["pigeon"])
        services.deliver_due(now=NOW)
        row.refresh_from_db()
        assert (row.status, row.error) == ("failed", "No channel 'pigeon' is configured.")

    def test_expired_rows_are_purged_with_their_attempts(self) -> None:
        write(3)
        write(2, at=after(3600))
        services.deliver_due(now=after(3600))
        expired = after(90 * 86400 + 1)
        assert services.purge_notifications(now=expired) == 3
        assert (Notification.objects.count(), DeliveryAttempt.objects.count()) == (2, 2)

    def test_an_idle_run_costs_one_query_for_each_bucket(
        self, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(16):
            services.deliver_due(now=NOW)

    def test_the_queue_is_read_by_its_partial_index(self) -> None:
        waiting = Notification.objects.filter(bucket=3, settled_at__isnull=True, due_at__lte=NOW)
        assert "notification_due" in waiting.order_by("due_at").explain()


@given(attempts=st.integers(1, 1000))
def test_a_pause_doubles_and_has_a_limit(attempts: int) -> None:
    whole = min(timedelta(seconds=30) * 2 ** min(attempts - 1, 20), timedelta(hours=1))
    assert whole / 2 <= delivery.pause_after(attempts) <= whole


def test_workers_at_once_send_each_row_once(shared_database: str) -> None:
    make_person("alice")
    write(120)
    barrier, lock = threading.Barrier(4), threading.Lock()
    holding: set[uuid.UUID] = set()
    both: list[uuid.UUID] = []

    def watch(row: Notification) -> None:
        with lock:
            if row.pk in holding:
                both.append(row.pk)
            holding.add(row.pk)

    Postbox.before = watch
    counts: list[int] = []

    def work() -> None:
        barrier.wait()
        try:
            counts.append(services.deliver_due(now=NOW))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert both == []
    assert sum(counts) == 120
    assert sorted(Postbox.sent) == sorted(Notification.objects.values_list("pk", flat=True))
    assert DeliveryAttempt.objects.filter(succeeded=True).count() == 120
    assert not Notification.objects.exclude(status="sent").exists()
