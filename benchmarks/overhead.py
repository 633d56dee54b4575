"""What the engine costs in CPU beside plain boto3 that makes the same requests.

Both send what the engine sends, and both get the same bytes as an answer from botocore's
before-send hook: no socket, no server, but all of botocore's serialising, signing, retry logic
and parsing. The time is that of this process's CPU. A round measures the two one after the
other, and a ratio is the median of the rounds' ratios, so that a busy machine disturbs both.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import process_time
from typing import Any

from benchmarks.product import candles

ROUNDS = 21
ROWS = 100

Call = Callable[[], object]
Ratio = tuple[float, float, float]  # boto3, the other, their ratio


@dataclass
class Measured:
    """CPU of one thing and of boto3's part of it, in microseconds."""

    name: str
    boto3: float
    cpu: float
    ratio: float
    target: float | None = None  # the greatest ratio that is good enough

    @property
    def verdict(self) -> str:
        """`ok` or `missed`; empty where nothing is asked."""
        if self.target is None:
            return ""
        return "ok" if self.ratio <= self.target else "missed"


class Answer:
    """The body of a canned HTTP answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the body."""
        yield self.body


@dataclass
class Canned:
    """Answers every request of the clients with the same bytes."""

    body: bytes = b""

    def attach(self, client: Any) -> None:
        """Answer this client's requests from now on."""
        client.meta.events.register("before-send.dynamodb", self._answer)

    def _answer(self, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse("http://canned", 200, headers, Answer(self.body))


@contextmanager
def recorded(client: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield a list that the parameters of the client's requests are added to."""
    requests: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        requests.append(dict(params))

    client.meta.events.register("provide-client-params.dynamodb", note)
    try:
        yield requests
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb", note)


def cpu(call: Call, times: int) -> float:
    """Return the microseconds of CPU that one call takes."""
    started = process_time()
    for _ in range(times):
        call()
    return (process_time() - started) / times * 1e6


def compare(plain: Call, others: dict[str, Call], times: int) -> dict[str, Ratio]:
    """Return (boto3, other, ratio) of each other call, measured in turns."""
    rounds: list[dict[str, float]] = []
    for call in (plain, *others.values()):
        for _ in range(20):  # warm up
            call()
    for _ in range(ROUNDS):
        gc.collect()
        one = {"boto3": cpu(plain, times)}
        one |= {name: cpu(call, times) for name, call in others.items()}
        rounds.append(one)
    return {
        name: (
            median(one["boto3"] for one in rounds),
            median(one[name] for one in rounds),
            median(one[name] / one["boto3"] for one in rounds),
        )
        for name in others
    }


def on_sqlite() -> None:
    """Give Django's own SQLite backend, in memory, the same rows; what is left is Django's."""
    from django.db import connections

    from market.models import Candle, Coin

    connections.settings["sqlite"] = connections.settings["default"] | {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {},
    }
    with connections["sqlite"].schema_editor() as editor:
        for model in (Coin, Candle):
            editor.create_model(model)
    Coin.objects.using("sqlite").bulk_create(Coin.objects.using("default"))
    Candle.objects.using("sqlite").bulk_create(candles(0, ROWS))


def plain_client() -> Any:
    """Return boto3's client, without the validation of parameters that the engine leaves out."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="canned",
        aws_secret_access_key="canned",
        config=Config(parameter_validation=False),
    )


def deserialised(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items as boto3's own TypeDeserializer reads them."""
    read = _deserializer().deserialize
    return [{name: read(value) for name, value in item.items()} for item in items]


def _deserializer() -> Any:
    from boto3.dynamodb.types import TypeDeserializer

    return TypeDeserializer()


def measure() -> list[Measured]:
    """Return what reading one candle and a hundred of them costs, in every way."""
    from django.db import connection

    from market.models import Candle

    connection.ensure_connection()
    engine = connection.store.transport.client  # type: ignore[attr-defined]
    plain, canned = plain_client(), Canned()
    on_sqlite()

    newest = Candle.objects.filter(coin="coin-0", resolution="1m").order_by("-start")
    key = newest[0].pk
    one_sql, many_sql = (str(query.query) for query in (Candle.objects.all(), newest[:ROWS]))
    one_sql += " WHERE id = %s"
    many_sql = many_sql.replace("= coin-0", "= %s").replace("= 1m", "= %s")

    def fetch(sql: str, *parameters: str) -> Call:
        def run() -> None:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                cursor.fetchall()

        return run

    def objects(alias: str) -> Call:
        return lambda: list(newest.using(alias)[:ROWS])

    ways = {
        "one": {
            "cursor": fetch(one_sql, key),
            "orm": lambda: Candle.objects.get(pk=key),
            "sqlite": lambda: Candle.objects.using("sqlite").get(pk=key),
        },
        "many": {
            "cursor": fetch(many_sql, "coin-0", "1m"),
            "orm": objects("default"),
            "values": lambda: list(newest.values_list("start", "close")[:ROWS]),
            "sqlite": objects("sqlite"),
        },
    }
    prepared = {
        name: _request(engine, [calls["cursor"], calls["orm"]]) for name, calls in ways.items()
    }
    for client in (engine, plain):
        canned.attach(client)
    found: dict[str, dict[str, Ratio]] = {}
    for name, calls in ways.items():
        operation, request, answer = prepared[name]
        send = getattr(plain, operation)
        canned.body = json.dumps(answer).encode()
        found[name] = compare(
            partial(send, **request),
            calls | {"typed": _typed(send, request)},
            200 if name == "one" else 25,
        )
    return _table(found["one"], found["many"])


def _typed(send: Callable[..., Any], request: dict[str, Any]) -> Call:
    def run() -> None:
        answer = send(**request)
        deserialised(answer.get("Items") or [answer["Item"]])

    return run


def _request(
    client: Any, calls: list[Callable[[], object]]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the one request that all of these calls make, and its answer."""
    with recorded(client) as requests:
        for call in calls:
            call()
    assert len(requests) == len(calls), requests
    assert all(request == requests[0] for request in requests), requests
    operation = "get_item" if "Key" in requests[0] else "query"
    answer = getattr(client, operation)(**requests[0])
    assert operation == "get_item" or len(answer["Items"]) == ROWS
    for name in ("ResponseMetadata", "LastEvaluatedKey"):
        answer.pop(name, None)
    return operation, requests[0], answer


def _table(one: dict[str, Ratio], many: dict[str, Ratio]) -> list[Measured]:
    rows = f"Query of {ROWS} rows"
    return [
        Measured("GetItem, raw cursor", *one["cursor"], target=1.3),
        Measured(f"{rows}, raw cursor", *many["cursor"], target=1.25),
        Measured("GetItem, whole ORM: get()", *one["orm"], target=2.0),
        Measured(f"{rows}, whole ORM: objects", *many["orm"], target=1.6),
        Measured(f"{rows}, ORM: values_list of 2 columns", *many["values"]),
        Measured("GetItem, boto3 + TypeDeserializer", *one["typed"]),
        Measured(f"{rows}, boto3 + TypeDeserializer", *many["typed"]),
        Measured("get() on Django's SQLite, in memory", *one["sqlite"]),
        Measured(f"{ROWS} objects on Django's SQLite, in memory", *many["sqlite"]),
    ]
