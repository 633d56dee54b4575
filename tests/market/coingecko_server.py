"""A CoinGecko of our own on loopback: real HTTP, with every answer and failure scripted."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One scripted answer. `breaks_after`: bytes after which the connection is cut."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before the first byte
    drip: float = 0.0  # seconds between single bytes of the body
    breaks_after: int | None = None

    @classmethod
    def json(cls, content: object, **rest: Any) -> Self:
        return cls(body=json.dumps(content).encode(), **rest)

    @classmethod
    def file(cls, path: Path, **rest: Any) -> Self:
        return cls(body=path.read_bytes(), **rest)

    @classmethod
    def html(cls, text: str, **rest: Any) -> Self:
        return cls(body=text.encode(), content_type="text/html; charset=UTF-8", **rest)


@dataclass(frozen=True)
class Call:
    """One request that arrived."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]  # names in lower case


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients that give up are what some tests are about."""


class CoinGeckoServer:
    """Answers each path with what it was told to, in order; the last answer stays."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._answers: dict[str, list[Answer | Callable[[Call], Answer]]] = defaultdict(list)
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v3"

    def answer(self, path: str, *answers: Answer | Callable[[Call], Answer]) -> None:
        """Script the answers to `path` (under /api/v3), in place of earlier ones."""
        self._answers[path] = list(answers)

    def next_answer(self, call: Call) -> Answer:
        self.calls.append(call)
        waiting = self._answers.get(call.path)
        if not waiting:
            return Answer.json({"error": "coin not found"}, status=404)
        chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return chosen(call) if callable(chosen) else chosen

    @contextmanager
    def running(self) -> Iterator[CoinGeckoServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def _handler(owner: CoinGeckoServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = parts.path.removeprefix("/api/v3")
            answer = owner.next_answer(Call(path, dict(parse_qsl(parts.query)), headers))
            time.sleep(answer.delay)
            with suppress(ConnectionError):  # a client that gave up is what some tests are about
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            if answer.content_type:
                self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            body = answer.body[: answer.breaks_after]
            pieces = [bytes([b]) for b in body] if answer.drip else [body]
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(answer.drip)
            self.close_connection = answer.breaks_after is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
            """Keep quiet."""

    return Handler


# --- Hand-written answers in the documented shapes --------------------------------------------


def market_row(coin_id: str, price: object, **more: object) -> dict[str, object]:
    """Return a row of /coins/markets with all its fields; `more` changes or adds some."""
    row: dict[str, object] = {
        "id": coin_id,
        "symbol": coin_id[:4],
        "name": coin_id.capitalize(),
        "image": f"https://coin-images.coingecko.com/coins/images/1/large/{coin_id}.png",
        "current_price": price,
        "market_cap": 1_942_082_111_924,
        "market_cap_rank": 1,
        "fully_diluted_valuation": None,
        "total_volume": 120_318_717_687,
        "high_24h": 98_831,
        "low_24h": 93_908,
        "price_change_24h": 3693.47,
        "price_change_percentage_24h": 3.91195,
        "market_cap_change_24h": 73_833_966_647,
        "market_cap_change_percentage_24h": 3.95204,
        "circulating_supply": 19_785_593.0,
        "total_supply": 21_000_000.0,
        "max_supply": None,
        "ath": 98_831,
        "ath_change_percentage": -0.74534,
        "ath_date": "2024-11-21T19:16:05.289Z",
        "atl": 67.81,
        "atl_change_percentage": 144_562.88,
        "atl_date": "2013-07-06T00:00:00.000Z",
        "roi": None,
        "last_updated": "2026-11-20T11:59:30.123Z",
    }
    return row | more


def status_error(code: int, message: str) -> dict[str, object]:
    """The first shape of an error."""
    return {"status": {"error_code": code, "error_message": message}}


def nested_error(code: int, message: str) -> dict[str, object]:
    """The third shape of an error."""
    status = {"timestamp": "2026-09-18T03:59:28.512+00:00", "error_code": code}
    return {"error": {"status": status | {"error_message": message}}}


RATE_LIMITED = status_error(
    429,
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to "
    "subscribe to our API plans for higher rate limits.",
)
TOO_FAR_BACK = nested_error(
    10012,
    "Your request exceeds the allowed time range. Public API users are limited to querying "
    "historical data within the past 365 days.",
)
CLOUDFLARE_PAGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
    "<body>Checking your browser before accessing api.coingecko.com</body></html>"
)
EXCHANGE_RATES = {
    "rates": {
        "btc": {"name": "Bitcoin", "unit": "BTC", "value": 1.0, "type": "crypto"},
        "usd": {"name": "US Dollar", "unit": "$", "value": 96000.0, "type": "fiat"},
        "eur": {"name": "Euro", "unit": "€", "value": 82560.0, "type": "fiat"},
        "czk": {"name": "Czech Koruna", "unit": "Kč", "value": 1996800.0, "type": "fiat"},
        "jpy": {"name": "Japanese Yen", "unit": "¥", "value": None, "type": "fiat"},
    }
}
