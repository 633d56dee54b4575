"""How people write numbers: which mark groups the digits, which one begins the decimals. Pure.

A page, a mail or a form is in one notation, that of the person it is for (`written_in`); figures
are written and numbers are read in it. Machines always take and get the plain one: 1234.56.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal

from .words import gettext as _

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
LONGEST = 64  # characters of a number that somebody types

#: What is typed, or pasted, where a mark stands.
_SPELLINGS = {
    NARROW_SPACE: " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}",
    "'": "'\N{RIGHT SINGLE QUOTATION MARK}",
}


class NotANumber(ValueError):  # noqa: N818 (it is what was typed, not a fault)
    """What was typed is no number, or could be two: a sentence that shows how to write it."""

    def __init__(self, sentence: str, code: str = "not_a_number") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


@dataclass(frozen=True, slots=True)
class Notation:
    """One way to write numbers; `code` is what is stored of it."""

    code: str
    group: str
    point: str

    def spell(self, plain: str) -> str:
        """Write in this notation what Python writes with `:,`: 1,234.56."""
        if self is PLAIN:
            return plain
        return plain.translate({ord(","): self.group, ord("."): self.point})

    def write(self, number: Decimal) -> str:
        """Write a number for a form field: every digit it has, no groups, read back by `read`."""
        plain = f"{number:f}" if number else "0"
        digits = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return digits.replace(".", self.point)

    def read(self, text: str) -> Decimal:
        """Read a number exactly, or raise `NotANumber`: nothing is guessed.

        Groups must stand where groups stand. A comma or a point that groups once and is followed
        by no decimals (1,234 here, 1.234 there) is refused: elsewhere it begins the decimals, and
        who pastes it from there would trade a thousandth. So no text means two numbers.
        """
        written = text.strip().replace(MINUS, "-")
        if not written:
            raise NotANumber(
                _("Enter a number, for example 100 or %(decimal)s.")
                % {"decimal": self.spell("0.25")},
                "number_missing",
            )
        if len(written) > LONGEST:
            raise NotANumber(_("That number has too many digits."), "too_many_digits")
        if _shape(self.point).fullmatch(written):
            return Decimal(written.replace(self.point, "."))
        if _grouped_shape(self.group, self.point).fullmatch(written):
            whole, point, decimals = written.partition(self.point)
            digits = re.sub(r"[^\d+-]", "", whole, flags=re.ASCII)
            if not point and whole.count(self.group) == 1 and self.group in ",.":
                raise NotANumber(self._two_meanings(whole, digits))
            return Decimal(f"{digits}.{decimals}" if decimals else digits)
        raise NotANumber(self._how_to_write(written))

    def _two_meanings(self, written: str, digits: str) -> str:
        return _("%(written)s can be read in two ways. Write %(whole)s or %(decimal)s.") % {
            "written": written,
            "whole": digits,
            "decimal": written.replace(self.group, self.point),
        }

    def _how_to_write(self, written: str) -> str:
        other = "," if self.point == "." else "."
        meant = written.replace(other, self.point, 1)
        if other in written and _shape(self.point).fullmatch(meant):
            if self.point == ".":
                return _("Write the decimals with a point: %(number)s.") % {"number": meant}
            return _("Write the decimals with a comma: %(number)s.") % {"number": meant}
        return _("%(written)s is not a number; write it like %(number)s.") % {
            "written": written if written.isprintable() else _("That"),
            "number": self.spell("1234.56"),
        }


PLAIN = Notation("comma-point", ",", ".")
NOTATIONS = {
    notation.code: notation
    for notation in (
        PLAIN,
        Notation("point-comma", ".", ","),
        Notation("space-comma", NARROW_SPACE, ","),
        Notation("apostrophe-point", "'", "."),
    )
}
#: What a language writes as long as nobody has chosen.
OF_LANGUAGE = {"en": "comma-point", "de": "point-comma"}

_current: ContextVar[Notation] = ContextVar("notation", default=PLAIN)


def current() -> Notation:
    """Return the notation of whoever this page, mail or form is for."""
    return _current.get()


def notation_of(code: str, *, language: str) -> Notation:
    """Return the chosen notation, or what the language writes where none is chosen."""
    return NOTATIONS.get(code) or NOTATIONS[OF_LANGUAGE.get(language[:2], PLAIN.code)]


@contextmanager
def written_in(notation: Notation) -> Iterator[None]:
    """Write and read all numbers in this notation; safe between threads and tasks."""
    token = _current.set(notation)
    try:
        yield
    finally:
        _current.reset(token)


def _shape(point: str) -> re.Pattern[str]:
    mark = re.escape(point)
    return re.compile(
        rf"[+-]?(\d+{mark}?\d*|{mark}\d+)(e[+-]?\d{{1,4}})?", re.ASCII | re.IGNORECASE
    )


def _grouped_shape(group: str, point: str) -> re.Pattern[str]:
    spellings, mark = f"[{_SPELLINGS.get(group, group)}]", re.escape(point)
    return re.compile(rf"[+-]?[1-9]\d{{0,2}}({spellings}\d{{3}})+({mark}\d*)?", re.ASCII)
