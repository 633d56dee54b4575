"""Texts of SQL as Django writes them, made ready for SQLite once and remembered."""

from __future__ import annotations

import re
import sqlite3

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w*)", re.DOTALL)
_NOT_CODE = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CHANGE_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_RETURN_NOTHING = frozenset({"BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT"})


class Prepared:
    """What is known of a text of SQL before it runs."""

    __slots__ = ("changes_rows", "is_read", "sql")

    def __init__(self, sql: str) -> None:
        word = _FIRST_WORD.match(sql)[1].upper()  # type: ignore[index] # it matches any text
        self.sql = sql
        self.changes_rows = word in _CHANGE_ROWS
        self.is_read = word not in _CHANGE_ROWS | _RETURN_NOTHING
        if ";" in sql and ";" in _NOT_CODE.sub("", sql).rstrip("; \t\r\n"):
            raise sqlite3.ProgrammingError("You can only execute one statement at a time.")


class PreparedTexts(dict[str, Prepared]):
    """Statements by their text, made at first sight. Django repeats itself: few are many."""

    MOST = 2_000
    LONGEST = 4_000  # characters; a bulk INSERT's text seldom comes twice

    def __init__(self, *, formatted: bool) -> None:
        super().__init__()
        self._is_formatted = formatted

    def __missing__(self, text: str) -> Prepared:
        sql = SQLiteCursorWrapper.convert_query(None, text) if self._is_formatted else text  # type: ignore[arg-type]
        statement = Prepared(sql)
        if len(self) >= self.MOST:
            self.clear()
        if len(text) <= self.LONGEST:
            self[text] = statement
        return statement


with_parameters = PreparedTexts(formatted=True)
without_parameters = PreparedTexts(formatted=False)
