"""What DynamoDB's refusals mean to a unit of work."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from .errors import Denied, OutcomeUnknown, Throttled, Unreachable

THROTTLING_CODES = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "LimitExceededException",
    }
)

NOT_ALLOWED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired"})
NOT_KNOWN = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignatureException",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
    }
)


class Refused(sqlite3.OperationalError):
    """DynamoDB's answer was an error that is not one of throughput.

    `was_in_doubt` says that an earlier attempt of the same request had no answer and so may have
    been carried out.
    """

    def __init__(
        self, response: Mapping[str, Any], *, was_in_doubt: bool, sentence: str = ""
    ) -> None:
        error = response.get("Error", {})
        self.code: str = error.get("Code", "")
        self.message: str = error.get("Message", "")
        #: For a cancelled transaction one entry per action.
        self.reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
        #: The item as it is, where the request asked for it.
        self.item: dict[str, Any] | None = response.get("Item")
        self.was_in_doubt = was_in_doubt
        super().__init__(sentence or f"DynamoDB refused a request: {self.code}: {self.message}")


def unknown() -> OutcomeUnknown:
    """Return the error of a write whose outcome could not be settled."""
    return OutcomeUnknown(
        "The connection to DynamoDB broke during a write and nothing tells whether it was "
        "carried out. Look before you do it again."
    )


def denied(operation: str, code: str, message: str) -> Denied | None:
    """Return what to raise where it is for the credentials; None where it is not."""
    if code in NOT_ALLOWED:
        return Denied(
            f"AWS does not allow dynamodb:{operation}: {message} Allow this action on the "
            "database's tables and their indexes."
        )
    if code in EXPIRED:
        return Denied(f"The AWS credentials have expired, so {operation} was refused: {message}")
    if code in NOT_KNOWN:
        return Denied(
            # AWS's own message may quote the request that was signed, session token and all.
            f"AWS does not accept the credentials, so {operation} was refused: {code}."
        )
    return None


def missing(tables: str) -> str:
    """Return the sentence for tables that were deleted past the engine."""
    return (
        f"DynamoDB has no table for {tables}, although the catalogue names it: it was deleted "
        "past the engine. Restore it from a backup under the same name."
    )


def error_of(error: Any, *, in_doubt: bool, tables: str = "") -> Exception:
    """Return what to raise for botocore's ClientError.

    `tables` are those of a statement's request.
    """
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
    message = error.response.get("Error", {}).get("Message", "")
    if refused := denied(error.operation_name, code, message):
        return refused
    is_gone = code == "ResourceNotFoundException" and tables
    sentence = missing(tables) if is_gone else ""
    return Refused(error.response, was_in_doubt=in_doubt, sentence=sentence)
