"""No connection, or none that lasts: what each exchange's feed says then."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close, CloseCode
from websockets.http11 import Response

from market.feeds.exchanges.connection import MAX_MESSAGE, Limits
from market.feeds.exchanges.exchange import ExchangeFeed
from market.feeds.exchanges.refusals import closed

from .exchange_server import Visit, exchange, raw_server, refusal
from .exchange_support import COINBASE, Exchange, case, first, until_it_ends

__all__ = ["case"]

AT_ONCE = timedelta(0)
BINANCE_451 = (
    '{"code":0,"msg":"Service unavailable from a restricted location according to '
    "'b. Eligibility' in https://www.binance.com/en/terms.\"}"
)


async def nothing(visit: Visit) -> None:
    await visit.rest()


# --- The handshake ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words", "elsewhere", "wait"),
    [
        (refusal(451, BINANCE_451), "does not serve this country", True, None),
        (refusal(403, "error code: 1020"), "does not let us in", True, None),
        (refusal(429, Retry_After="17"), "asks to wait 17 s", False, 17),
        (refusal(429), "asks to wait 60 s", False, 60),
        (refusal(418, Retry_After="86400"), "has banned", True, 300),
        (refusal(503, Retry_After="5"), "trouble of its own", False, 5),
        (refusal(502, "<html>"), "trouble of its own", False, None),
        (refusal(200, "<html>log in to the hotel"), "a captive portal", True, None),
        (refusal(404), "a wrong address", True, None),
    ],
)
async def test_a_refused_handshake_says_why_and_what_next(
    case: Exchange, answer: Response, words: str, *, elsewhere: bool, wait: int | None
) -> None:
    async with exchange(nothing, refusal=answer) as server:
        prices, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert prices == []
    assert str(error).startswith(case.name.capitalize())
    assert words in str(error)
    assert "<html>" not in str(error)
    assert error.elsewhere is elsewhere
    assert error.retry_after == (timedelta(seconds=wait) if wait else None)
    assert not error.permanent


async def test_a_block_by_country_repeats_what_the_exchange_said() -> None:
    async with exchange(nothing, refusal=refusal(451, BINANCE_451)) as server:
        _, error = await until_it_ends(COINBASE.make(url=server.url), ["bitcoin"])
    assert "restricted location" in str(error)


async def test_a_redirect_is_not_followed(case: Exchange) -> None:
    async with (
        exchange(nothing) as other,
        exchange(nothing, refusal=refusal(302, Location=other.url)) as server,
    ):
        _, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert error.elsewhere
    assert other.visits == []


async def test_a_server_that_never_answers_is_given_up(case: Exchange) -> None:
    async with raw_server(None) as url:
        feed = case.make(url=url, limits=Limits(open=0.2))
        _, error = await until_it_ends(feed, ["bitcoin"])
    assert "did not answer when we connected" in str(error)
    assert not error.elsewhere


async def test_what_is_no_websocket_server_is_told_apart(case: Exchange) -> None:
    async with raw_server(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n") as url:
        _, error = await until_it_ends(case.make(url=url), ["bitcoin"])
    assert "did not answer as a websocket server" in str(error)


async def test_a_refused_connection_is_one_to_try_again(case: Exchange) -> None:
    with socket.socket() as closed:  # bound and not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        feed = case.make(url=f"ws://127.0.0.1:{closed.getsockname()[1]}")
        _, error = await until_it_ends(feed, ["bitcoin"])
    assert "cannot be reached" in str(error)
    assert not error.permanent
    assert not error.elsewhere


async def test_an_unknown_host_sends_us_to_the_next_feed(
    case: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    _, error = await until_it_ends(case.make(url="wss://ws.example.invalid"), ["bitcoin"])
    assert "is not known here" in str(error)
    assert error.elsewhere


@pytest.mark.parametrize("url", ["ws://ws.example.invalid/v2", "ws://192.0.2.1"])
async def test_prices_are_never_taken_unencrypted_from_the_network(
    case: Exchange, url: str
) -> None:
    _, error = await until_it_ends(case.make(url=url), ["bitcoin"])
    assert error.misconfigured
    assert "is not encrypted" in str(error)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "nonsense", "wss://", "wss://[::1"])
async def test_an_address_that_is_none_is_a_fault_of_the_settings(url: str) -> None:
    _, error = await until_it_ends(COINBASE.make(url=url), ["bitcoin"])
    assert error.misconfigured
    assert url in str(error)


async def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "gopher://127.0.0.1:70")
    _, error = await until_it_ends(COINBASE.make(url="wss://ws.example.invalid"), ["bitcoin"])
    assert error.misconfigured
    assert "HTTPS_PROXY" in str(error)


# --- Who is it? -------------------------------------------------------------------------------


class Authority:
    """An authority of our own, and certificates that it has signed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        now = datetime.now(tz=UTC)
        signed = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._pem = signed.public_bytes(serialization.Encoding.PEM)

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._pem.decode())

    def server(self, host: str, *, ends: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """Return what a server at this host would present, valid until then from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(tz=UTC)
        certificate = (
            x509.CertificateBuilder(self._name, x509.Name([]), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=20))
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        pem = self._folder / f"{host}.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def one_price(visit: Visit) -> None:
    await COINBASE.subscribed(visit)
    await visit.say(COINBASE.price("77668.92"))
    await visit.rest()


async def test_a_server_that_proves_its_name_is_believed(authority: Authority) -> None:
    async with exchange(one_price, tls=authority.server("localhost")) as server:
        feed = COINBASE.make(url=server.url, tls=authority.trusted())
        quotes = await first(feed, ["bitcoin"], 1)
    assert quotes[0].price == Decimal("77668.92")


@pytest.mark.parametrize(
    ("host", "trusted", "ends", "words"),
    [
        ("localhost", False, timedelta(days=1), "unable to get local issuer"),
        ("exchange.invalid", True, timedelta(days=1), "Hostname mismatch"),
        ("localhost", True, timedelta(days=-1), "certificate has expired"),
    ],
)
async def test_a_server_that_is_somebody_else_gets_no_word_from_us(
    authority: Authority, host: str, trusted: bool, ends: timedelta, words: str
) -> None:
    async with exchange(one_price, tls=authority.server(host, ends=ends)) as server:
        tls = authority.trusted() if trusted else None
        _, error = await until_it_ends(COINBASE.make(url=server.url, tls=tls), ["bitcoin"])
    assert "did not prove who it is" in str(error)
    assert words in str(error)
    assert error.elsewhere
    assert not error.permanent
    assert server.visits == []


async def test_a_server_without_encryption_behind_an_encrypted_address_is_refused() -> None:
    async with raw_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as url:
        feed = COINBASE.make(url=url.replace("ws://", "wss://"))
        _, error = await until_it_ends(feed, ["bitcoin"])
    assert "The encryption with Coinbase failed" in str(error)
    assert error.elsewhere


# --- A connection that does not last ----------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "words", "retry_after"),
    [
        (1000, "", "closed the connection (1000)", AT_ONCE),
        (1001, "going away", "closed the connection (1001: going away)", AT_ONCE),
        (1012, "restart", "closed the connection (1012: restart)", AT_ONCE),
        (1008, "policy", "closed the connection (1008: policy)", None),
        (1013, "", "closed the connection (1013)", None),
        (1008, "slow consumer", "cut us off because we read too slowly", None),
    ],
)
async def test_a_close_by_the_exchange_is_reported_with_its_reason(
    case: Exchange, code: int, reason: str, words: str, retry_after: timedelta | None
) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92"))
        await visit.socket.close(code, reason)

    async with exchange(script) as server:
        prices, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert words in str(error)
    assert error.retry_after == retry_after
    assert not error.permanent


async def test_a_connection_that_is_cut_broke_off(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92"))
        await asyncio.sleep(0.05)
        visit.cut()

    async with exchange(script) as server:
        prices, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert "broke off" in str(error)
    assert error.retry_after is None


async def test_a_ping_of_the_exchange_is_answered_with_its_payload(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        answered = await visit.socket.ping(b"1732104000123")
        await answered  # only a pong with the same payload does that
        await visit.say(case.price("77668.92"))
        await visit.rest()

    async with exchange(script) as server:
        quotes = await first(case.make(url=server.url), ["bitcoin"], 1)
    assert quotes[0].price == Decimal("77668.92")


async def test_an_exchange_that_answers_no_ping_is_given_up(case: Exchange) -> None:
    """Even while it goes on sending: what we would say does not arrive."""

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        visit.stop_reading()
        while True:
            await visit.say(case.price("77668.92"))
            await asyncio.sleep(0.05)

    async with exchange(script) as server:
        limits = Limits(ping_every=0.1, pong=0.2, close=0.1)
        prices, error = await until_it_ends(case.make(url=server.url, limits=limits), ["bitcoin"])
    assert prices
    assert "did not answer a ping within 0.2 s" in str(error)


def test_a_close_that_only_echoes_ours_is_not_taken_for_the_reason() -> None:
    ours = Close(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
    error = ConnectionClosedError(Close(CloseCode.INTERNAL_ERROR, ""), ours, rcvd_then_sent=False)
    assert "did not answer a ping within 7 s" in str(closed("Kraken", error, pong=7))


async def test_a_message_that_is_too_large_ends_the_connection(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92"))
        await visit.say('{"type": "' + "x" * MAX_MESSAGE + '"}')
        await visit.rest()

    async with exchange(script) as server:
        prices, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert prices == [Decimal("77668.92")]
    assert "larger than any price" in str(error)


async def test_text_that_is_not_utf8_ends_the_connection(case: Exchange) -> None:
    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say_text(b'{"type": "\xff\xfe"}')
        await visit.rest()

    async with exchange(script) as server:
        _, error = await until_it_ends(case.make(url=server.url), ["bitcoin"])
    assert "sent text that is not UTF-8" in str(error)


async def test_who_listens_no_more_disconnects(case: Exchange) -> None:
    gone = asyncio.Event()

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        await visit.say(case.price("77668.92"))
        await visit.socket.wait_closed()
        gone.set()

    async with exchange(script) as server:
        await first(case.make(url=server.url), ["bitcoin"], 1)
        async with asyncio.timeout(2):
            await gone.wait()
    assert server.visits[0].socket.close_code == 1000


async def test_a_task_that_is_cancelled_while_it_waits_ends_at_once(case: Exchange) -> None:
    subscribed = asyncio.Event()

    async def script(visit: Visit) -> None:
        await case.subscribed(visit)
        subscribed.set()
        await visit.rest()

    async def listen(feed: ExchangeFeed) -> None:
        async for _ in feed.ticks(["bitcoin"]):
            pass

    async with exchange(script) as server, asyncio.timeout(3):
        task = asyncio.create_task(listen(case.make(url=server.url)))
        await subscribed.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
