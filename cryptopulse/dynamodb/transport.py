"""The way to DynamoDB: one client per process, each request counted, each error given a class.

How long one `call` may take: botocore tries `attempts` times, but begins no new attempt later
than RETRY_SECONDS after the first failure. With the default timeouts (3 s to connect, 10 s to
read) a server that never answers costs 39 s, one that cannot be connected to 12 s, constant
throttling 31 s (15 s on average); 62 s is the bound for any mixture.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import urlsplit

from .errors import OutcomeUnknown, Throttled, Unreachable
from .metering import READS, Meter, Request
from .options import Options

RETRY_SECONDS = 20.0
CONFLICT_PAUSE, THROTTLE_PAUSE, LONGEST_PAUSE = 0.01, 0.1, 5.0  # seconds
#: Resending these would not be the same as sending them once, unless the answer was a refusal.
UNREPEATABLE = frozenset({"UpdateItem"})
WRITES = frozenset({"PutItem", "DeleteItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"})
THROTTLING_CODES = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "LimitExceededException",
    }
)

Call = Callable[..., dict[str, Any]]


class Refused(sqlite3.OperationalError):
    """DynamoDB's answer was an error that is not one of throughput.

    `was_in_doubt` says that an earlier attempt of the same request had no answer and so may have
    been carried out.
    """

    def __init__(self, response: Mapping[str, Any], *, was_in_doubt: bool) -> None:
        error = response.get("Error", {})
        self.code: str = error.get("Code", "")
        self.message: str = error.get("Message", "")
        #: For a cancelled transaction one entry per action.
        self.reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
        #: The item as it is, where the request asked for it.
        self.item: dict[str, Any] | None = response.get("Item")
        self.was_in_doubt = was_in_doubt
        super().__init__(f"DynamoDB refused a request: {self.code}: {self.message}")


class Transport:
    """The boto3 client of one process for one endpoint; made when first needed."""

    _all: dict[tuple[Any, ...], Transport] = {}
    _guard = threading.Lock()

    def __init__(self, options: Options) -> None:
        self.options = options
        self._state = threading.local()
        self._lock = threading.Lock()
        self._client: Any = None
        self._calls: dict[str, Call] = {}

    @classmethod
    def of(cls, options: Options) -> Transport:
        """Return the transport that all connections with such options share."""
        key = (
            options.endpoint,
            options.region,
            options.attempts,
            options.connect_timeout,
            options.read_timeout,
            options.pool_size,
        )
        with cls._guard:
            if key not in cls._all:
                cls._all[key] = cls(options)
            return cls._all[key]

    @classmethod
    def forget_clients(cls) -> None:
        """After a fork: sockets and locks of the parent are not the child's."""
        cls._guard = threading.Lock()
        for transport in cls._all.values():
            transport.reset()

    def reset(self) -> None:
        """Drop the client; the next request makes a new one."""
        self._state, self._lock = threading.local(), threading.Lock()
        self._client, self._calls = None, {}

    # --- requests ---------------------------------------------------------------------------

    def call(self, meter: Meter, operation: str, **request: Any) -> dict[str, Any]:
        """Make one request ("GetItem", ...) and return DynamoDB's answer.

        Raises Throttled, Unreachable or Refused; OutcomeUnknown for a write that may have been
        carried out although no answer said so.
        """
        if meter.returns_capacity and operation in _MEASURED:
            request["ReturnConsumedCapacity"] = "TOTAL"
        call = self._calls.get(operation) or self._method(operation)
        answer: dict[str, Any] = {}
        started = perf_counter()
        try:
            answer = call(**request)
        except self._botocore_errors as error:
            raise self._translated(operation, error) from error
        finally:
            meter.add(
                Request(
                    operation,
                    self._table_of(meter, request),
                    request.get("IndexName"),
                    _units(answer.get("ConsumedCapacity")),
                    perf_counter() - started,
                    _items(operation, request, answer) if answer else 0,
                )
            )
        return answer

    def _method(self, operation: str) -> Call:
        from botocore import xform_name

        method: Call = getattr(self.client, xform_name(operation))
        self._calls[operation] = method
        return method

    @staticmethod
    def _table_of(meter: Meter, request: Mapping[str, Any]) -> str:
        skip = len(meter.options.prefix) + 1
        if name := request.get("TableName"):
            return str(name)[skip:]
        if batch := request.get("RequestItems"):
            return ",".join(name[skip:] for name in batch)
        if actions := request.get("TransactItems"):
            names = {body["TableName"]: None for action in actions for body in action.values()}
            return ",".join(name[skip:] for name in names)
        return ""

    # --- errors -----------------------------------------------------------------------------

    @cached_property
    def _botocore_errors(self) -> tuple[type[Exception], ...]:
        from botocore.exceptions import BotoCoreError, ClientError

        return (BotoCoreError, ClientError)

    @cached_property
    def _never_sent(self) -> tuple[type[Exception], ...]:
        from botocore import exceptions

        return (
            exceptions.EndpointConnectionError,
            exceptions.ConnectTimeoutError,
            exceptions.ProxyConnectionError,
        )

    def _translated(self, operation: str, error: Exception) -> Exception:
        from botocore import exceptions

        in_doubt = operation in WRITES and getattr(self._state, "in_doubt", False)
        if isinstance(error, exceptions.ClientError):
            return _translated_answer(error, in_doubt=in_doubt)
        if in_doubt:
            return unknown()
        if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
            return Unreachable(f"DynamoDB could not be reached: {error}")
        return sqlite3.OperationalError(f"{operation} could not be sent: {error}")

    def _judge_attempt(
        self,
        response: Any,
        caught_exception: Exception | None,
        attempts: int,
        request_dict: dict[str, Any],
        operation: Any,
        **_: Any,
    ) -> bool | None:
        """Handle botocore's needs-retry: note doubtful attempts; False forbids the next one."""
        state = self._state
        if attempts == 1:
            state.in_doubt = False
        if caught_exception is not None:
            is_doubtful = not isinstance(caught_exception, self._never_sent)
        else:
            status = response[0].status_code
            if status == 200:  # noqa: PLR2004 - OK
                state.in_doubt = False
                return None
            # What AWS says of 500s: the operation may have succeeded. And a transaction in
            # progress is an earlier attempt of this one.
            is_doubtful = (
                status >= 500  # noqa: PLR2004
                or response[1].get("Error", {}).get("Code") == "TransactionInProgressException"
            )
        if is_doubtful:
            state.in_doubt = True
            if operation.name in UNREPEATABLE:
                return False
        now = monotonic()
        deadline = request_dict["context"].setdefault("retry_until", now + RETRY_SECONDS)
        return False if now >= min(deadline, getattr(state, "until", deadline)) else None

    def hurry(self, until: float | None) -> None:
        """Begin no retries in this thread after a moment of the monotonic clock; None: as usual."""
        if until is None:
            vars(self._state).pop("until", None)
        else:
            self._state.until = until

    # --- the client -------------------------------------------------------------------------

    @property
    def client(self) -> Any:
        """The boto3 client. A process that never asks a table never imports boto3."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._make_client()
        return self._client

    def _make_client(self) -> Any:
        import boto3
        from botocore.config import Config

        options = self.options
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": options.attempts},
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            max_pool_connections=max(64, options.pool_size),
            parameter_validation=False,  # the requests are the engine's own
            tcp_keepalive=True,
        )
        credentials = {}
        if _is_local(options.endpoint) and not _has_credentials():
            credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        client = boto3.session.Session().client(
            "dynamodb",
            region_name=options.region,
            endpoint_url=options.endpoint,
            config=config,
            **credentials,
        )
        client.meta.events.register_first("needs-retry.dynamodb", self._judge_attempt)
        return client


os.register_at_fork(after_in_child=Transport.forget_clients)

_MEASURED = WRITES | READS


def pause(attempt: int, *, is_throttled: bool = False) -> None:
    """Wait after attempt number `attempt` (from 0), at random so that rivals part.

    Conflicts are over in milliseconds; throughput takes longer to come back.
    """
    base = THROTTLE_PAUSE if is_throttled else CONFLICT_PAUSE
    time.sleep(random.uniform(0.3, 1.0) * min(base * 2**attempt, LONGEST_PAUSE))  # noqa: S311


def unknown() -> OutcomeUnknown:
    """Return the error of a write whose outcome could not be settled."""
    return OutcomeUnknown(
        "The connection to DynamoDB broke during a write and nothing tells whether it was "
        "carried out. Look before you do it again."
    )


def _translated_answer(error: Any, *, in_doubt: bool) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_throttled = code in THROTTLING_CODES or status == 429  # noqa: PLR2004
    is_no_answer = status >= 500 or code == "TransactionInProgressException"  # noqa: PLR2004
    if in_doubt and (is_throttled or is_no_answer):
        return unknown()
    if is_throttled:
        return Throttled(f"DynamoDB has no throughput left for this: {error}")
    if is_no_answer:
        return Unreachable(f"DynamoDB failed to answer: {error}")
    return Refused(error.response, was_in_doubt=in_doubt)


def _units(consumed: Any) -> float:
    if not consumed:
        return 0.0
    if isinstance(consumed, list):
        return float(sum(part.get("CapacityUnits", 0.0) for part in consumed))
    return float(consumed.get("CapacityUnits", 0.0))


def _items(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> int:
    if "Count" in answer:  # Query, Scan
        return int(answer["Count"])
    if operation == "GetItem":
        return int("Item" in answer)
    if operation == "BatchGetItem":
        return sum(map(len, answer["Responses"].values()))
    if operation == "BatchWriteItem":
        return sum(map(len, request["RequestItems"].values()))
    return len(request.get("TransactItems", "1"))


def _is_local(endpoint: str | None) -> bool:
    host = urlsplit(endpoint).hostname if endpoint else None
    return host in {"localhost", "::1"} or (host or "").startswith("127.")


def _has_credentials() -> bool:
    # Asking botocore would look for a machine's role too, which takes seconds where there is none.
    return "AWS_ACCESS_KEY_ID" in os.environ or "AWS_PROFILE" in os.environ
