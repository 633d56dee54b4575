"""Sends a unit of work and settles what became of it, whatever happens to the connection.

In time a commit is bounded by one `call` (transport.py) plus, when its answer was lost,
SETTLE_SECONDS and the one attempt that is under way when they end.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from .actions import Action, Item, check_transaction, in_chunks, is_expired, requests_of
from .batches import read_items
from .errors import Conflict, OutcomeUnknown, PartlyWritten, Throttled, Unreachable
from .metering import Meter
from .transport import Refused, Transport, pause, unknown

SETTLE_SECONDS = 20.0
TOKEN_LENGTH = 36  # of a ClientRequestToken
THROTTLED_REASONS = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


class _ConditionError(Exception):
    def __init__(self, failure: Exception, *, was_in_doubt: bool) -> None:
        self.failure = failure
        self.was_in_doubt = was_in_doubt


def commit(transport: Transport, meter: Meter, actions: Sequence[Action], token: str) -> None:
    """Write all actions or none.

    `token` must be new and be the `@v` of every item written: it settles a lost answer. Raises
    the failure of an action whose condition does not hold, else TooLarge, Conflict, Throttled,
    Unreachable (nothing was written with any of these) or OutcomeUnknown.
    """
    if actions:
        check_transaction(actions)
        _Commit(transport, meter, actions, token, token).run()


def commit_in_chunks(
    transport: Transport, meter: Meter, actions: Sequence[Action], token: str
) -> None:
    """Write the actions in as many transactions as they need: each is whole, together they are not.

    An error of the first means what it means for `commit`; one of a later chunk is PartlyWritten,
    because whoever did the work again after a Conflict would do the earlier ones twice.
    """
    chunks = list(in_chunks(actions))
    for number, chunk in enumerate(chunks):
        request_token = f"{token[: TOKEN_LENGTH - 6]}-{number}"
        try:
            _Commit(transport, meter, chunk, token, request_token).run()
        except sqlite3.Error as error:
            if not number:
                raise
            raise PartlyWritten(
                f"Transactions 1 to {number} of {len(chunks)} were written and stay; number "
                f"{number + 1} failed, and those after it were not sent: {error}"
            ) from error


class _Commit:
    """One transaction under way."""

    def __init__(
        self,
        transport: Transport,
        meter: Meter,
        actions: Sequence[Action],
        version: str,
        request_token: str,
    ) -> None:
        self.transport = transport
        self.meter = meter
        self.actions = actions
        self.version = version
        # Made once: the same token with another parameter would be refused.
        self.operation, self.request = _request(actions, request_token)

    def run(self) -> None:
        try:
            self._send()
        except _ConditionError as error:
            self._conclude(error, is_settled=not error.was_in_doubt)
        except OutcomeUnknown as lost:
            self._settle(lost)
        except Conflict:
            self.meter.conflict()
            raise

    def _send(self) -> None:
        """Send until the answer is more than "somebody is writing there just now"."""
        in_doubt = False
        attempts = self.transport.options.attempts
        for attempt in range(attempts):
            try:
                self.transport.call(self.meter, self.operation, **self.request)
            except Refused as refused:
                in_doubt = in_doubt or refused.was_in_doubt
                busy = self._reason(refused, in_doubt=in_doubt)
            except (Throttled, Unreachable) as error:
                if in_doubt:
                    raise unknown() from error
                raise
            else:
                return
            if attempt + 1 < attempts:
                pause(attempt, is_throttled=isinstance(busy, Throttled))
        raise unknown() if in_doubt else busy

    def _reason(self, refused: Refused, *, in_doubt: bool) -> Conflict | Throttled:
        """Return why it may be sent again; raise when it may not."""
        codes = {reason.get("Code") for reason in refused.reasons}
        if refused.code == "ConditionalCheckFailedException":
            raise _ConditionError(self.actions[0].failure, was_in_doubt=in_doubt) from None
        failures = [
            action.failure
            for action, reason in zip(self.actions, refused.reasons, strict=False)
            if reason.get("Code") == "ConditionalCheckFailed"
        ]
        if failures:
            # A row that was changed meanwhile may be why a key is taken: the work is done again,
            # and meets what is taken by itself, if it still wants it.
            conflicts = [failure for failure in failures if isinstance(failure, Conflict)]
            raise _ConditionError((conflicts or failures)[0], was_in_doubt=in_doubt) from None
        if codes & THROTTLED_REASONS:
            return Throttled("DynamoDB has no throughput left for this; nothing was written.")
        if "TransactionConflict" in codes or refused.code == "TransactionConflictException":
            return Conflict(
                "Another transaction was writing the same rows all the time; nothing was written."
            )
        raise refused

    # --- settling ---------------------------------------------------------------------------

    def _conclude(self, error: _ConditionError, *, is_settled: bool) -> None:
        """Raise the failure, unless it was our own earlier attempt that the condition met."""
        applied = False if is_settled else self._was_applied()
        if applied:
            return
        if applied is None:
            raise unknown() from error.failure
        if isinstance(error.failure, Conflict):
            self.meter.conflict()
        raise error.failure from None

    def _settle(self, lost: OutcomeUnknown) -> None:
        """Find out what became of a commit without an answer, and carry it out if nothing did."""
        if all(action.operation == "ConditionCheck" for action in self.actions):
            raise Unreachable("DynamoDB gave no answer; nothing was to be written.") from lost
        self.transport.hurry(time.monotonic() + SETTLE_SECONDS)
        try:
            if self._was_applied():
                return
            # Not carried out, or not yet, or overwritten since. The same request again either
            # does the work or meets it: token and conditions keep it from being done twice.
            self._send()
        except _ConditionError as error:
            self._conclude(error, is_settled=False)
        except (OutcomeUnknown, Throttled, Unreachable, Conflict) as error:
            raise lost from error
        finally:
            self.transport.hurry(None)

    def _was_applied(self) -> bool | None:
        """Tell from the items whether this commit has been carried out; None if they do not say.

        Only this commit writes its version, and no item gets an older version back.
        """
        written = [action for action in self.actions if action.operation != "ConditionCheck"]
        try:
            stored = read_items(
                self.transport,
                self.meter,
                [(action.table.physical, action.key) for action in written],
                ("@s", "@k", "@v", "@x"),
            )
        except (Throttled, Unreachable) as error:
            raise unknown() from error
        items = {(physical, item["@s"]["S"], item["@k"]["S"]): item for physical, item in stored}
        evidence = [_evidence(action, items, self.version) for action in written]
        return True if True in evidence else False if False in evidence else None


def _evidence(action: Action, items: dict[tuple[str, str, str], Item], version: str) -> bool | None:
    """Return what one item says: written by this commit, not touched by it, or nothing."""
    key = action.key
    item = items.get((action.table.physical, key["@s"]["S"], key["@k"]["S"]))
    stored = item["@v"]["S"] if item and not is_expired(item, time.time()) else None
    if action.operation == "Put" and stored == version:
        return True
    if action.owner is not None:
        return None
    if stored is None:
        return False if action.operation == "Put" and action.expected is None else None
    return False if stored == action.expected else None


def _request(actions: Sequence[Action], token: str) -> tuple[str, dict[str, Any]]:
    only = actions[0]
    if len(actions) == 1 and only.operation != "ConditionCheck":
        return f"{only.operation}Item", only.request(int(time.time()))
    return "TransactWriteItems", {
        "TransactItems": requests_of(actions),
        "ClientRequestToken": token,
    }
