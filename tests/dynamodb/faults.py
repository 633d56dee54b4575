"""Faults at the HTTP layer, between botocore and a real server.

    with Faults(store.transport) as faults:
        faults.lose_answer("TransactWriteItems")

botocore's before-send event lets us answer in the server's place, or break the connection before
or after the server has done its work. botocore's own retries go through it as well.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import botocore.endpoint
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.retries.bucket import TokenBucket

from cryptopulse.dynamodb.tables import Tables
from cryptopulse.dynamodb.transport import Transport

Answer = Callable[[AWSPreparedRequest], AWSResponse | None]
OWN_HEADERS = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


def answer(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    """Return an answer as if the server had given it."""
    headers = HeadersDict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse(request.url, status, headers, _Raw(body))


def forward(request: AWSPreparedRequest, document: dict[str, Any]) -> AWSResponse:
    """Send the request with another body and return the server's answer."""
    headers = {name: _text(request.headers[name]) for name in OWN_HEADERS}
    changed = HttpRequest(request.url, json.dumps(document).encode(), headers)  # noqa: S310
    try:
        with urlopen(changed) as response:  # noqa: S310
            return answer(request, response.status, response.read())
    except OSError as error:
        return answer(request, error.code, error.read())  # type: ignore[attr-defined]


def body_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return what is asked for."""
    body: dict[str, Any] = json.loads(request.body)
    return body


class Faults:
    """Plans what goes wrong with the next requests of each operation, in the order planned."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.sent: Counter[str] = Counter()  # attempts, botocore's retries included
        self._plans: dict[str, list[Answer]] = {}

    def __enter__(self) -> Self:
        self.transport.reset()  # botocore's budget for retries is the client's
        self._events = self.transport.client.meta.events
        self._events.register_first("before-send.dynamodb", self._before_send)
        self._time, self._acquire = botocore.endpoint.time, TokenBucket.acquire
        botocore.endpoint.time = SimpleNamespace(sleep=lambda seconds: None)
        TokenBucket.acquire = lambda bucket, amount=1, block=True: True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        botocore.endpoint.time, TokenBucket.acquire = self._time, self._acquire
        self._plans.clear()

    def _before_send(
        self, request: AWSPreparedRequest, event_name: str, **_: Any
    ) -> AWSResponse | None:
        operation = event_name.rsplit(".", 1)[1]
        self.sent[operation] += 1
        plan = self._plans.get(operation)
        return plan.pop(0)(request) if plan else None

    def plan(self, operation: str, what: Answer, times: int = 1) -> None:
        """Let `what` happen to the next requests of an operation."""
        self._plans.setdefault(operation, []).extend([what] * times)

    def pass_through(self, operation: str, times: int = 1) -> None:
        """Let requests reach the server before the next fault."""
        self.plan(operation, lambda request: None, times)

    def refuse(
        self, operation: str, code: str, *, status: int = 400, times: int = 1, **more: Any
    ) -> None:
        """Answer with an error of DynamoDB."""
        error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}
        body = json.dumps(error).encode()
        self.plan(operation, lambda request: answer(request, status, body), times)

    def cancel(self, reasons: list[str], times: int = 1) -> None:
        """Cancel a transaction for reasons such as TransactionConflict."""
        self.refuse(
            "TransactWriteItems",
            "TransactionCanceledException",
            CancellationReasons=[{"Code": reason} for reason in reasons],
            times=times,
        )

    def refuse_connection(self, operation: str, times: int = 1) -> None:
        """Let nobody listen: the request certainly does not arrive."""

        def fail(request: AWSPreparedRequest) -> AWSResponse:
            raise EndpointConnectionError(endpoint_url=request.url)

        self.plan(operation, fail, times)

    def lose_request(self, operation: str, times: int = 1) -> None:
        """Break the connection before the server has seen the request; we cannot know that."""

        def fail(request: AWSPreparedRequest) -> AWSResponse:
            raise ConnectionClosedError(endpoint_url=request.url)

        self.plan(operation, fail, times)

    def lose_answer(
        self, operation: str, then: Callable[[], None] = lambda: None, times: int = 1
    ) -> None:
        """Let the server do its work, then `then` happen, and let the answer never arrive."""

        def fail(request: AWSPreparedRequest) -> AWSResponse:
            forward(request, body_of(request))
            then()
            raise ReadTimeoutError(endpoint_url=request.url)

        self.plan(operation, fail, times)

    def forget_token(self, times: int = 1) -> None:
        """Let the server meet a transaction as one it never saw: it has been restarted."""

        def forget(request: AWSPreparedRequest) -> AWSResponse:
            document = body_of(request)
            del document["ClientRequestToken"]
            return forward(request, document)

        self.plan("TransactWriteItems", forget, times)

    def leave_unprocessed(self, operation: str, done: int, times: int = 1) -> None:
        """Let the server do only the first `done` parts of a batch on one table."""
        rest_name = "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"

        def part(request: AWSPreparedRequest) -> AWSResponse:
            document = body_of(request)
            ((table, asked),) = document["RequestItems"].items()
            parts = asked["Keys"] if operation == "BatchGetItem" else asked
            left = parts[done:]
            if operation == "BatchGetItem":
                rest = {table: {**asked, "Keys": left}} if left else {}
                document["RequestItems"] = {table: {**asked, "Keys": parts[:done]}}
            else:
                rest = {table: left} if left else {}
                document["RequestItems"] = {table: parts[:done]}
            if not done:
                nothing: dict[str, Any] = {"Responses": {table: []}, rest_name: rest}
                return answer(request, 200, json.dumps(nothing).encode())
            result = json.loads(forward(request, document).content)
            return answer(request, 200, json.dumps({**result, rest_name: rest}).encode())

        self.plan(operation, part, times)

    def freeze_indexes(self) -> None:
        """From now on let each index query answer what it answered the first time."""
        known: dict[bytes, tuple[int, bytes]] = {}

        def stale(request: AWSPreparedRequest) -> AWSResponse:
            if "IndexName" not in body_of(request):
                return forward(request, body_of(request))
            if request.body not in known:
                fresh = forward(request, body_of(request))
                known[request.body] = (fresh.status_code, fresh.content)
            return answer(request, *known[request.body])

        self.plan("Query", stale, times=1000)

    def thaw(self) -> None:
        """Let indexes answer truly again."""
        self._plans.pop("Query", None)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Killed(BaseException):
    """The process ended here."""


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """Let no request through from the nth of the schema's own on."""
    ask, count = Tables.ask, 0

    def counted(self: Tables, operation: str, **request: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        if count >= number:
            raise Killed
        return ask(self, operation, **request)

    Tables.ask = counted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Tables.ask = ask  # type: ignore[method-assign]
