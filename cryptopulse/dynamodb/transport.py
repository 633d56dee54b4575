"""The way to DynamoDB: one client per process, each request counted, each error given a class.

How long one `call` may take: botocore tries `attempts` times, but begins no new attempt later
than RETRY_SECONDS after the first failure. With the default options (6 attempts, 3 s to connect,
10 s to read) a server that takes requests and never answers costs 30 s, one that cannot be
connected to 19 s, constant throttling 31 s (15 s on average); 62 s is the bound of any mixture.
After throttling botocore's adaptive mode (the default `retry_mode`) also holds back new requests,
up to 2 s each, until its estimate of the rate that DynamoDB takes has recovered.
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

from . import answers
from .errors import Denied, Unreachable
from .metering import READS, Meter, Request
from .options import Options
from .refusals import Refused, error_of, unknown

RETRY_SECONDS = 20.0
CONFLICT_PAUSE, THROTTLE_PAUSE, LONGEST_PAUSE = 0.01, 0.1, 5.0  # seconds
WRITES = frozenset({"PutItem", "DeleteItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"})

__all__ = ["Refused", "Transport", "pause", "unknown"]

Call = Callable[..., dict[str, Any]]


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
            options.retry_mode,
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
            tables = "" if meter.is_housekeeping else self._table_of(meter, request)
            translated = self._translated(operation, error, tables)
            # What AWS says of a signature is not to be seen in a traceback either.
            raise translated from (None if isinstance(translated, Denied) else error)
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

    def call_once(self, meter: Meter, operation: str, **request: Any) -> dict[str, Any]:
        """Make a request that must not be carried out twice: a lost answer ends it."""
        self._state.is_once = True
        try:
            return self.call(meter, operation, **request)
        finally:
            self._state.is_once = False

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

    def _translated(self, operation: str, error: Exception, tables: str) -> Exception:
        from botocore import exceptions

        in_doubt = operation in WRITES and getattr(self._state, "in_doubt", False)
        if isinstance(error, exceptions.ClientError):
            return error_of(error, in_doubt=in_doubt, tables=tables)
        if in_doubt:
            return unknown()
        if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
            return Unreachable(f"DynamoDB could not be reached: {error}")
        if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return Denied(
                f"There are no AWS credentials for {operation}: {error}. Give the process a role, "
                "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
            )
        return sqlite3.OperationalError(f"{operation} could not be sent: {error}")

    def _judge_attempt(
        self,
        response: Any,
        caught_exception: Exception | None,
        attempts: int,
        request_dict: dict[str, Any],
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
            if getattr(state, "is_once", False):
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
        import botocore
        from botocore.config import Config

        options = self.options
        config = Config(
            retries={"mode": options.retry_mode, "total_max_attempts": options.attempts},
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            max_pool_connections=max(64, options.pool_size),
            parameter_validation=False,  # the requests are the engine's own
            tcp_keepalive=True,
            # Botocore's default is put together anew for each request: a tenth of its time.
            user_agent=f"cryptopulse.dynamodb Botocore/{botocore.__version__}",
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
        for operation in READS:
            client.meta.events.register(f"before-parse.dynamodb.{operation}", answers.read)
        return client


os.register_at_fork(after_in_child=Transport.forget_clients)

_MEASURED = WRITES | READS


def pause(attempt: int, *, is_throttled: bool = False) -> None:
    """Wait after attempt number `attempt` (from 0), at random so that rivals part.

    Conflicts are over in milliseconds; throughput takes longer to come back.
    """
    base = THROTTLE_PAUSE if is_throttled else CONFLICT_PAUSE
    time.sleep(random.uniform(0.3, 1.0) * min(base * 2**attempt, LONGEST_PAUSE))  # noqa: S311


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
