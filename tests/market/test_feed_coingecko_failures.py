"""Every way in which CoinGecko fails, over real HTTP: told apart, bounded, and said plainly."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from market import budget
from market.feeds import FeedError
from market.models import FeedState
from tests.conftest import NOW

from .coingecko_server import (
    CLOUDFLARE_PAGE,
    RATE_LIMITED,
    TOO_FAR_BACK,
    Answer,
    CoinGeckoServer,
    market_row,
    nested_error,
    status_error,
)
from .feed_support import MakeFeed, make_feed, pauses, server

__all__ = ["make_feed", "pauses", "server"]

pytestmark = pytest.mark.once

GOOD = Answer.json([market_row("bitcoin", 97000)])


def fail(make_feed: MakeFeed, **options: object) -> FeedError:
    with pytest.raises(FeedError) as caught:
        make_feed(**options).quotes(["bitcoin"], now=NOW)
    return caught.value


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_that_passes_is_tried_again(
    make_feed: MakeFeed, server: CoinGeckoServer, pauses: list[float], status: int
) -> None:
    server.answer("/coins/markets", Answer(status=status), Answer(status=status), GOOD)

    assert len(make_feed().quotes(["bitcoin"], now=NOW)) == 1

    assert len(server.calls) == 3
    assert 0.25 <= pauses[0] <= 0.75
    assert 0.5 <= pauses[1] <= 1.5
    assert FeedState.objects.get().calls_this_month == 3  # failures cost as much as answers


def test_trouble_that_stays_is_an_error_after_three_attempts(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.html("<h1>502 Bad Gateway</h1>", status=502))

    error = fail(make_feed)

    assert str(error) == "CoinGecko has trouble of its own (HTTP 502)."
    assert not error.permanent
    assert len(server.calls) == 3


@pytest.mark.parametrize("status", [400, 404, 410, 422, 451])
def test_what_we_did_wrong_is_never_tried_again(
    make_feed: MakeFeed, server: CoinGeckoServer, status: int
) -> None:
    server.answer(
        "/coins/markets", Answer.json({"error": "Missing parameter vs_currency"}, status=status)
    )

    error = fail(make_feed)

    assert "It said: Missing parameter vs_currency" in str(error)
    assert error.permanent
    assert not error.misconfigured
    assert len(server.calls) == 1


def test_a_source_that_is_down_is_probed_once_so_that_an_outage_does_not_use_up_the_month(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer(status=503))
    budget.record_failure(name="coingecko", error=fail(make_feed), now=NOW)
    assert len(server.calls) == 3

    fail(make_feed)

    assert len(server.calls) == 4
    budget.record_success(name="coingecko", now=NOW)
    fail(make_feed)
    assert len(server.calls) == 7


# --- Rate limits ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer.json(RATE_LIMITED, status=429),
        Answer.json({"error": "Throttled"}, status=429),
        Answer.json(nested_error(429, "Throttled"), status=429),
        Answer.html(CLOUDFLARE_PAGE, status=429),
        Answer(status=429, content_type=""),
        Answer.json(RATE_LIMITED),  # with HTTP 200
    ],
    ids=["status", "error", "nested", "cloudflare", "empty", "http-200"],
)
def test_the_rate_limit_is_recognised_in_every_shape(
    make_feed: MakeFeed, server: CoinGeckoServer, pauses: list[float], answer: Answer
) -> None:
    server.answer("/coins/markets", answer)

    error = fail(make_feed)

    assert str(error) == "CoinGecko's rate limit is reached; it asks to wait 60 s."
    assert not error.permanent
    assert error.retry_after == timedelta(seconds=60)
    assert (len(server.calls), pauses) == (1, [])  # a minute is not slept away in a worker


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("119", 119),
        ("100000", 300),
        ("9" * 400, 300),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW + timedelta(days=3), usegmt=True), 300),
        ("soon", 60),
        ("-5", 60),
        ("", 60),
    ],
    ids=["seconds", "too-long", "huge", "date", "far-date", "words", "negative", "empty"],
)
def test_retry_after_is_honoured_up_to_five_minutes(
    make_feed: MakeFeed, server: CoinGeckoServer, header: str, seconds: int
) -> None:
    limited = Answer.json(RATE_LIMITED, status=429, headers={"Retry-After": header})
    server.answer("/coins/markets", limited)

    assert fail(make_feed).retry_after == timedelta(seconds=seconds)


def test_a_short_retry_after_is_waited_for_in_place(
    make_feed: MakeFeed, server: CoinGeckoServer, pauses: list[float]
) -> None:
    limited = Answer.json(RATE_LIMITED, status=429, headers={"Retry-After": "2"})
    server.answer("/coins/markets", limited, GOOD)

    assert len(make_feed().quotes(["bitcoin"], now=NOW)) == 1
    assert pauses == [2.0]


def test_after_a_rate_limit_no_process_asks_before_the_wait_is_over(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    limited = Answer.json(RATE_LIMITED, status=429, headers={"Retry-After": "119"})
    server.answer("/coins/markets", limited, GOOD)
    fail(make_feed)
    other = make_feed()  # as another process would have it: only the row is shared

    with pytest.raises(budget.FeedPaused, match="left alone until 12:01:59 UTC"):
        other.search("bitcoin", now=NOW + timedelta(seconds=118))

    assert len(server.calls) == 1
    assert len(other.quotes(["bitcoin"], now=NOW + timedelta(seconds=119))) == 1


# --- Configuration faults ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer.json(nested_error(10002, "API Key Missing"), status=401), "Set COINGECKO_API_KEY"),
        (Answer.json(status_error(10002, "API Key Missing"), status=401), "Set COINGECKO_API_KEY"),
        (Answer.json(status_error(10005, "Plan"), status=401), "does not include this"),
        (Answer.json(status_error(10010, "Invalid"), status=400), "Set COINGECKO_PLAN=pro"),
        (Answer.json(status_error(10011, "Invalid"), status=400), "Set COINGECKO_PLAN=demo"),
        (Answer.json({"error": "Invalid key"}, status=401), "refuses the key"),
        (Answer.html("Unauthorized", status=401), "refuses the key"),
    ],
    ids=["10002", "10002-flat", "10005", "10010", "10011", "401", "401-html"],
)
def test_a_fault_of_the_settings_is_said_and_never_tried_again(
    make_feed: MakeFeed, server: CoinGeckoServer, answer: Answer, sentence: str
) -> None:
    server.answer("/coins/markets", answer)

    error = fail(make_feed, plan="demo", api_key="CG-secret")

    assert sentence in str(error)
    assert error.misconfigured
    assert error.permanent
    assert "CG-secret" not in str(error)
    assert len(server.calls) == 1


@pytest.mark.parametrize("status", [401, 200])
def test_history_beyond_the_plan_is_not_taken_for_a_wrong_key(
    make_feed: MakeFeed, server: CoinGeckoServer, status: int
) -> None:
    server.answer("/coins/bitcoin/market_chart", Answer.json(TOO_FAR_BACK, status=status))

    with pytest.raises(FeedError, match="reaches 365 days back and no further") as caught:
        make_feed().history("bitcoin", start=NOW - timedelta(days=300), end=NOW)

    assert caught.value.permanent
    assert not caught.value.misconfigured


@pytest.mark.parametrize(
    "answer",
    [
        Answer.html("<p>error code: 1020</p>", status=403),
        Answer(body=b"error code: 1020", status=403, content_type="text/plain"),
        Answer.json(status_error(1020, "Access denied"), status=403),
        Answer.html(CLOUDFLARE_PAGE, status=403),
    ],
)
def test_a_block_by_the_network_in_front_is_waited_out(
    make_feed: MakeFeed, server: CoinGeckoServer, answer: Answer
) -> None:
    server.answer("/coins/markets", answer)

    error = fail(make_feed)

    assert "blocks this address for now" in str(error)
    assert not error.permanent
    assert error.retry_after == timedelta(minutes=5)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"plan": "gold"}, "COINGECKO_PLAN is “gold”; it may be keyless, demo, pro."),
        ({"plan": "demo"}, "COINGECKO_PLAN=demo needs a key: set COINGECKO_API_KEY."),
        ({"plan": "pro", "api_key": "CG-\nx"}, "holds characters that no key has"),
        ({"plan": "pro", "api_key": "ключ"}, "holds characters that no key has"),
        ({"monthly_calls": -1}, "COINGECKO_CALLS_PER_MINUTE cannot be negative."),
        ({"base_url": "ftp://x"}, "COINGECKO_URL is “ftp://x”; it must be an address"),
        ({"base_url": "api.coingecko.com"}, "it must be an address"),
        ({"base_url": "http://[::1"}, "it must be an address"),
        (
            {"plan": "demo", "api_key": "CG-x", "base_url": "http://proxy.example.com/api"},
            "the key is sent over https only",
        ),
    ],
)
def test_settings_that_cannot_work_are_told_before_anything_is_sent(
    make_feed: MakeFeed, server: CoinGeckoServer, options: dict[str, object], sentence: str
) -> None:
    error = fail(make_feed, **options)

    assert sentence in str(error)
    assert error.misconfigured
    assert not FeedState.objects.exists()


# --- Where the key goes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "header"),
    [("keyless", None), ("demo", "x-cg-demo-api-key"), ("pro", "x-cg-pro-api-key")],
)
def test_each_plan_sends_its_own_header_and_no_other(
    make_feed: MakeFeed, server: CoinGeckoServer, plan: str, header: str | None
) -> None:
    server.answer("/coins/markets", GOOD)

    make_feed(plan=plan, api_key="CG-secret").quotes(["bitcoin"], now=NOW)

    [call] = server.calls
    sent = {name: value for name, value in call.headers.items() if value == "CG-secret"}
    assert sent == ({header: "CG-secret"} if header else {})
    assert "CG-secret" not in str(call.params)
    assert "authorization" not in call.headers


def test_the_key_stands_in_no_representation_of_the_feed(make_feed: MakeFeed) -> None:
    client = make_feed(plan="demo", api_key="CG-secret")._client
    assert "CG-secret" not in repr(client.access) + repr(vars(client))


def test_a_redirect_is_not_followed_with_the_key(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    with CoinGeckoServer().running() as elsewhere:
        elsewhere.answer("/coins/markets", GOOD)
        there = {"Location": f"{elsewhere.url}/coins/markets"}
        server.answer("/coins/markets", Answer(status=302, headers=there))

        error = fail(make_feed, plan="demo", api_key="CG-secret")

    assert "sends us elsewhere" in str(error)
    assert elsewhere.calls == []


# --- Broken answers and connections -----------------------------------------------------------


def test_a_web_page_with_status_200_is_not_parsed(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.html(CLOUDFLARE_PAGE))

    error = fail(make_feed)

    assert "in place of JSON" in str(error)
    assert not error.permanent


@pytest.mark.parametrize(
    "body",
    [b"", b"[{", b"\xff\xfe", b"[" * 100_000, b"[" + b"9" * 10_000 + b"]"],
    ids=["empty", "cut", "not-utf-8", "deep", "endless-digits"],
)
def test_json_that_cannot_be_read_is_tried_again_and_then_an_error(
    make_feed: MakeFeed, server: CoinGeckoServer, body: bytes
) -> None:
    server.answer("/coins/markets", Answer(body=body))

    assert "not valid JSON" in str(fail(make_feed))
    assert len(server.calls) == 3


@pytest.mark.parametrize("content", [{}, {"data": 3}, "text", 7, None, {"coins": []}])
def test_json_of_another_form_is_an_error(
    make_feed: MakeFeed, server: CoinGeckoServer, content: object
) -> None:
    server.answer("/coins/markets", Answer.json(content))

    assert "a form that it never had" in str(fail(make_feed))


def test_an_answer_that_is_cut_off_is_tried_again(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    cut = Answer(body=GOOD.body, breaks_after=100)
    server.answer("/coins/markets", cut, GOOD)

    assert len(make_feed().quotes(["bitcoin"], now=NOW)) == 1
    assert len(server.calls) == 2


def test_a_server_that_does_not_answer_in_time_is_given_up(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer(body=GOOD.body, delay=1.0))
    began = time.monotonic()

    error = fail(make_feed, deadline=0.3)

    assert str(error) == "CoinGecko did not answer in time."
    assert time.monotonic() - began < 0.8


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer(body=GOOD.body, drip=0.05))
    began = time.monotonic()

    error = fail(make_feed, deadline=0.4)

    assert str(error) == "CoinGecko's answer did not arrive in time."
    assert time.monotonic() - began < 1.0


def test_an_answer_far_too_large_is_given_up(
    make_feed: MakeFeed, server: CoinGeckoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.feeds.coingecko.client.LARGEST_ANSWER", 50_000)
    server.answer("/coins/markets", Answer(body=b"[" + b" " * 200_000 + b"]"))

    assert "far larger than any" in str(fail(make_feed))


def test_nobody_listening_is_an_error_that_says_so(make_feed: MakeFeed) -> None:
    with socket.socket() as taken:  # bound, but nobody accepts
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = fail(make_feed, base_url=address)

    assert str(error) == "CoinGecko could not be reached; is this machine online?"
    assert not error.permanent


def test_a_connection_that_is_closed_without_an_answer_is_an_error(make_feed: MakeFeed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(3):
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = fail(make_feed, base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()

    assert "could not be reached" in str(error)


def test_one_attempt_is_enough_for_who_will_not_wait(
    make_feed: MakeFeed, server: CoinGeckoServer, pauses: list[float]
) -> None:
    server.answer("/coins/markets", Answer(status=503))

    fail(make_feed, attempts=1)

    assert (len(server.calls), pauses) == (1, [])


def test_compressed_answers_are_read(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    packed = Answer(body=gzip.compress(GOOD.body), headers={"Content-Encoding": "gzip"})
    server.answer("/coins/markets", packed)

    assert len(make_feed().quotes(["bitcoin"], now=NOW)) == 1


def test_compressed_rubbish_is_an_error(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    rubbish = Answer(body=b"this is no gzip", headers={"Content-Encoding": "gzip"})
    server.answer("/coins/markets", rubbish)

    assert "was cut off on the way" in str(fail(make_feed))


def test_messages_never_grow_beyond_what_the_row_keeps(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    server.answer("/coins/markets", Answer.json({"error": "x " * 5000}, status=400))

    assert len(str(fail(make_feed))) <= 300


def test_threads_may_share_a_feed(make_feed: MakeFeed, server: CoinGeckoServer) -> None:
    """The parsing and the sessions, not the database: each thread has its own session."""
    client = make_feed()._client
    server.answer("/ping", Answer.json({"gecko_says": "(V3) To the Moon!"}))
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(10):
            ends = time.monotonic() + 5
            statuses.append(client._fetch("/ping", {}, ends=ends).status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 80


def test_the_moment_of_an_http_date_may_lie_in_the_past(
    make_feed: MakeFeed, server: CoinGeckoServer
) -> None:
    past = format_datetime(datetime(2026, 1, 1, tzinfo=UTC), usegmt=True)
    limited = Answer.json(RATE_LIMITED, status=429, headers={"Retry-After": past})
    server.answer("/coins/markets", limited)

    assert fail(make_feed).retry_after == timedelta(seconds=60)
