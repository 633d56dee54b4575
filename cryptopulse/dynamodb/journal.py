"""What a schema editor has done so far, so that a migration killed half-way can be run again.

DynamoDB has no transaction around a schema change. The journal of an editor that did not come to
its end stays in the catalogue: the next one, asked for the same changes in the same order, leaves
out what is done and resumes what was begun. It is dropped at the first change that is another, or
when the tables are no longer what it left behind.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from typing import Any

from .catalogue import TableDef
from .registry import Registry, table_from_text, table_to_text

logger = logging.getLogger("cryptopulse.dynamodb")

_PART, _KEY = "journal", "-"


@dataclass(frozen=True)
class Step:
    """One change that was begun: what was asked for, and the table before and after."""

    label: str
    old: TableDef | None
    new: TableDef | None


class Journal:
    """The changes of one schema editor, in order. Costs one PutItem for each."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        #: Labels of finished changes; those before `_position` this editor has asked for as well.
        self._done: list[str] = []
        self._position = 0
        #: Table -> digest of its definition after the last finished change; None: it is gone.
        self._tables: dict[str, str | None] = {}
        self._begun: Step | None = None
        self._is_replaying = False
        self._is_loaded = False
        self._is_stored = False

    def interrupted(self) -> Step | None:
        """Return what an editor left behind that did not come to its end; reads, and no more.

        A step without a label stands for an editor that was between two changes.
        """
        text = self.registry.read(_PART, _KEY).get("document", {}).get("S")
        if text is None:
            return None
        begun = json.loads(text)["begun"]
        return _step_from(begun) if begun else Step("", None, None)

    # --- asking -----------------------------------------------------------------------------

    def recall(self, label: str) -> Step | bool:
        """Say what is known of the next change: True: it is done; a Step: resume it; False: new."""
        self._load()
        if not self._is_replaying:
            return False
        if self._position < len(self._done):
            if self._done[self._position] == label:
                self._position += 1
                return True
        elif self._begun is not None and self._begun.label == label:
            self._is_replaying = False
            return self._begun
        elif self._begun is None:
            self._is_replaying = False
            return False
        self._discard("another change was asked for")
        return False

    # --- writing ----------------------------------------------------------------------------

    def begin(self, step: Step) -> None:
        """Note that a change begins; the one before it is thereby noted as finished."""
        self._begun = step
        self._store()

    def finish(self) -> None:
        """Take the change that was begun for finished; stored with the next one."""
        step, self._begun = self._begun, None
        if step is None:
            return
        self._done.append(step.label)
        self._position = len(self._done)
        if step.old is not None:
            self._tables[step.old.name] = None
        if step.new is not None:
            self._tables[step.new.name] = digest(step.new)

    def pass_over(self, label: str) -> None:
        """Note that a change asked for nothing; it will again be asked for in its turn."""
        self._done.append(label)
        self._position = len(self._done)

    def abandon(self) -> None:
        """The change that was begun has been taken back."""
        self._begun = None

    def close(self, *, is_complete: bool) -> None:
        """End the editor: the journal is kept only if the editor did not come to its end."""
        if not self._is_loaded:
            return
        if is_complete or not (self._tables or self._begun):
            self._delete()
        else:
            self._store()

    # --- the catalogue ----------------------------------------------------------------------

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        text = self.registry.read(_PART, _KEY).get("document", {}).get("S")
        if text is None:
            return
        self._is_stored = self._is_replaying = True
        document = json.loads(text)
        self._done, self._tables = document["done"], document["tables"]
        self._begun = _step_from(document["begun"]) if document["begun"] else None
        if self._has_moved_on():
            self._discard("the tables have changed since")
        else:
            logger.warning("Resuming a schema change that was interrupted.")

    def _has_moved_on(self) -> bool:
        begun = self._begun
        in_progress = {table.name for table in (begun.old, begun.new) if table} if begun else set()
        for name, known in self._tables.items():
            table = self.registry.tables.get(name)
            if name not in in_progress and (digest(table) if table else None) != known:
                return True
        return False

    def _discard(self, reason: str) -> None:
        logger.warning("An interrupted schema change is not resumed: %s.", reason)
        self._done, self._tables, self._begun = [], {}, None
        self._position, self._is_replaying = 0, False

    def _store(self) -> None:
        document = {
            "done": self._done[: self._position] if not self._is_replaying else self._done,
            "tables": self._tables,
            "begun": _step_to(self._begun) if self._begun else None,
        }
        self.registry.write(_PART, _KEY, document={"S": json.dumps(document)})
        self._is_stored = True

    def _delete(self) -> None:
        if self._is_stored:
            self.registry.delete(_PART, _KEY)
            self._is_stored = False


def digest(table: TableDef) -> str:
    """Return what tells one definition from another.

    Without what foreign keys name: a rename elsewhere changes that.
    """
    columns = tuple(replace(column, references=None) for column in table.columns)
    text = table_to_text(replace(table, columns=columns))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _step_to(step: Step) -> dict[str, Any]:
    return {
        "label": step.label,
        "old": table_to_text(step.old) if step.old else None,
        "new": table_to_text(step.new) if step.new else None,
    }


def _step_from(document: dict[str, Any]) -> Step:
    old, new = document["old"], document["new"]
    return Step(
        document["label"],
        table_from_text(old) if old else None,
        table_from_text(new) if new else None,
    )
