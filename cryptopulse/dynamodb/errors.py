"""What the engine raises. All are DB-API errors, so Django turns them into its own.

The class named here is found in `__cause__` of Django's exception, for whoever must tell one
OperationalError from another.
"""

from __future__ import annotations

import sqlite3


class Conflict(sqlite3.OperationalError):
    """Somebody else changed what this unit of work had read. Nothing was written; try again."""


class Disturbed(Conflict):
    """A table was written while it was being copied. It is as it was."""


class Throttled(sqlite3.OperationalError):
    """DynamoDB refused for lack of throughput, after all retries. Nothing was written."""


class Unusable(sqlite3.OperationalError):
    """Nothing that a statement could do better: whoever runs the database has to mend it."""


class Denied(Unusable):
    """AWS does not take the credentials, or does not allow them this action."""


class Outdated(Unusable):
    """The catalogue was written by a newer version of the engine."""


class Unreachable(Unusable):
    """DynamoDB gave no answer to a read, or to a write that certainly was not carried out."""


class OutcomeUnknown(sqlite3.OperationalError):
    """The connection broke during a commit and nothing tells whether it was carried out.

    It must not be retried blindly: the work may have been done.
    """


class PartlyWritten(sqlite3.OperationalError):
    """Work that may go in several transactions ended after the first of them.

    It must not be retried blindly either: what was written before stays written.
    """


class TooLarge(sqlite3.OperationalError):
    """More than one transaction of DynamoDB takes: 100 actions, 4 MB, 400 KB an item."""


class ScanForbidden(sqlite3.OperationalError):
    """The statement would read a whole table and the scan policy forbids it."""


class Duplicate(sqlite3.IntegrityError):
    """A primary key or a unique constraint is taken."""


class Violation(sqlite3.IntegrityError):
    """A NOT NULL, CHECK or FOREIGN KEY constraint does not hold."""
