"""Numbers in each way that people write them: read exactly, or refused with the right spelling."""

# ruff: noqa: PT017, RUF001 (what is refused is hypothesis' choice; phones type that apostrophe)

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptopulse.notation import (
    NOTATIONS,
    PLAIN,
    NotANumber,
    Notation,
    current,
    notation_of,
    written_in,
)

EACH = pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
COMMA = NOTATIONS["point-comma"]

#: Texts made of what numbers are made of: the ones that could be misread.
NUMBERISH = st.text("0123456789.,'’ \N{NARROW NO-BREAK SPACE}-+eE", max_size=16)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e18", max_value="1e18")


def read(notation: Notation, text: str) -> Decimal | None:
    try:
        return notation.read(text)
    except NotANumber:
        return None


def refusal(notation: Notation, text: str) -> str:
    with pytest.raises(NotANumber) as refused:
        notation.read(text)
    return refused.value.sentence


@EACH
@given(number=NUMBERS)
def test_what_a_form_field_shows_reads_back(notation: Notation, number: Decimal) -> None:
    written = notation.write(number)
    if len(written) <= 64:
        assert notation.read(written) == number


@EACH
@given(number=st.decimals(min_value="-1e12", max_value="1e12", places=2))
def test_what_a_page_shows_reads_back(notation: Notation, number: Decimal) -> None:
    assert notation.read(notation.spell(f"{number:,f}")) == number


@given(NUMBERISH)
def test_no_text_means_two_numbers(text: str) -> None:
    meanings = {read(notation, text) for notation in NOTATIONS.values()} - {None}
    assert len(meanings) <= 1


@EACH
@given(text=st.text(max_size=80) | NUMBERISH)
def test_any_text_is_a_finite_number_or_a_sentence(notation: Notation, text: str) -> None:
    try:
        assert notation.read(text).is_finite()
    except NotANumber as refused:
        assert refused.sentence.endswith(".")


@pytest.mark.parametrize(
    ("code", "text", "number"),
    [
        ("comma-point", "1,234.5", "1234.5"),
        ("point-comma", "1.234,5", "1234.5"),
        ("point-comma", "0,5", "0.5"),
        ("point-comma", ",5", "0.5"),
        ("point-comma", "1234,", "1234"),
        ("point-comma", "1.234.567", "1234567"),
        ("space-comma", "1 234,56", "1234.56"),
        ("space-comma", "1\N{NARROW NO-BREAK SPACE}234", "1234"),
        ("apostrophe-point", "1'234.56", "1234.56"),
        ("apostrophe-point", "1’234", "1234"),
        ("point-comma", "-2,5e-3", "-0.0025"),
    ],
)
def test_a_number_in_ones_own_notation_is_read(code: str, text: str, number: str) -> None:
    assert NOTATIONS[code].read(text) == Decimal(number)


def test_a_group_that_is_a_decimal_elsewhere_is_refused_with_both_spellings() -> None:
    assert refusal(PLAIN, "1,234") == "1,234 can be read in two ways. Write 1234 or 1.234."
    assert refusal(COMMA, "1.234") == "1.234 can be read in two ways. Write 1234 or 1,234."


def test_the_other_decimal_mark_is_refused_with_the_right_one() -> None:
    assert refusal(PLAIN, "0,5") == "Write the decimals with a point: 0.5."
    assert refusal(COMMA, "0.5") == "Write the decimals with a comma: 0,5."
    assert refusal(COMMA, "1234.56") == "Write the decimals with a comma: 1234,56."
    assert refusal(PLAIN, "0,123") == "Write the decimals with a point: 0.123."


def test_a_refusal_shows_how_to_write_in_the_persons_notation() -> None:
    assert refusal(COMMA, "zwei") == "zwei is not a number; write it like 1234,56."
    assert refusal(COMMA, "") == "Enter a number, for example 100 or 0,25."
    assert refusal(NOTATIONS["space-comma"], "1 23,5").endswith("write it like 1234,56.")


def test_who_has_chosen_nothing_writes_as_the_language_does() -> None:
    assert notation_of("", language="de-at") is COMMA
    assert notation_of("", language="en") is PLAIN
    assert notation_of("", language="fr") is PLAIN
    assert notation_of("space-comma", language="de") is NOTATIONS["space-comma"]
    assert notation_of("gone-since", language="de") is COMMA


async def test_two_pages_at_once_do_not_mix_their_notations() -> None:
    async def page(notation: Notation) -> str:
        with written_in(notation):
            await asyncio.sleep(0)
            return current().spell("1,234.56")

    pages = await asyncio.gather(*(page(notation) for notation in NOTATIONS.values()))
    assert pages == ["1,234.56", "1.234,56", "1\N{NARROW NO-BREAK SPACE}234,56", "1'234.56"]
    assert current() is PLAIN
