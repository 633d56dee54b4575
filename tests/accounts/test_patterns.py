"""What counts as a pattern: windows, boundaries, and nothing but the set of lines."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.patterns import Line, Rule, find, network_of, window_of

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = 60
ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)
PEOPLE = Rule(name="person_logins", kind="login_failed", by_address=False, count=3, seconds=MINUTE)
ADDRESSES = Rule(name="accounts", kind="signed_up", by_address=True, count=3, seconds=MINUTE)


def line(
    second: float, *, user: uuid.UUID | None = ALICE, kind: str = "login_failed",
    address: str | None = "203.0.113.7", number: int = 0,
) -> Line:  # fmt: skip
    key = uuid.uuid5(ALICE, f"{second}|{user}|{kind}|{address}|{number}")
    at = START + timedelta(seconds=second)
    return Line(id=key, kind=kind, user_id=user, address=address, at=at)


def test_as_many_as_the_rule_says_are_a_pattern_one_less_is_none() -> None:
    lines = [line(0), line(10), line(20)]
    (found,) = find(lines, PEOPLE)
    assert (found.count, found.user_id, found.address) == (3, ALICE, "")
    assert (found.first_at, found.last_at) == (START, START + timedelta(seconds=20))
    assert find(lines[:2], PEOPLE) == []


@pytest.mark.parametrize(("last", "patterns"), [(59.999, 1), (60, 0), (61, 0)])
def test_the_first_and_the_last_lie_less_than_the_length_apart(last: float, patterns: int) -> None:
    assert len(find([line(0), line(30), line(last)], PEOPLE)) == patterns


def test_a_burst_across_the_edge_of_a_window_is_found_once() -> None:
    (found,) = find([line(58), line(59), line(61)], PEOPLE)
    assert found.window == START + timedelta(seconds=60)
    assert found.first_at == START + timedelta(seconds=58)


def test_a_burst_that_goes_on_is_one_pattern_in_each_window() -> None:
    found = find([line(second) for second in range(0, 180, 5)], PEOPLE)
    assert [one.window for one in found] == [
        START + timedelta(seconds=start) for start in (0, 60, 120)
    ]
    assert len({one.key for one in found}) == 3


def test_each_person_counts_alone_and_nobody_does_not_count() -> None:
    lines = [line(0), line(1), line(2, user=BOB), line(3, user=BOB), line(4, user=None)]
    assert find(lines, PEOPLE) == []
    assert find([line(second, user=None) for second in range(9)], PEOPLE) == []


def test_other_kinds_do_not_count() -> None:
    assert find([line(0), line(1), line(2, kind="logged_in")], PEOPLE) == []


def test_addresses_of_one_ipv6_network_are_one() -> None:
    lines = [line(n, kind="signed_up", address=f"2001:db8:1:2::{n + 1}") for n in range(3)]
    (found,) = find(lines, ADDRESSES)
    assert (found.address, found.user_id) == ("2001:db8:1:2::/64", None)
    assert find([line(n, kind="signed_up", address=None) for n in range(5)], ADDRESSES) == []


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::/64"), ("nonsense", "nonsense")],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_windows_are_aligned_to_the_clock() -> None:
    assert window_of(START + timedelta(seconds=59.9), MINUTE) == START
    assert window_of(START, MINUTE) == START


some_lines = st.lists(
    st.builds(
        line,
        st.integers(0, 300),
        user=st.sampled_from([ALICE, BOB, None]),
        kind=st.sampled_from(["login_failed", "signed_up"]),
        address=st.sampled_from(["203.0.113.7", "198.51.100.4", None]),
        number=st.integers(0, 3),
    ),
    max_size=40,
)


@given(some_lines, st.randoms(use_true_random=False), st.sampled_from([PEOPLE, ADDRESSES]))
def test_neither_order_nor_repetition_changes_what_is_found(
    lines: list[Line], chance: object, rule: Rule
) -> None:
    again = lines + lines[: len(lines) // 2]
    chance.shuffle(again)  # type: ignore[attr-defined]
    assert find(again, rule) == find(lines, rule)


@given(some_lines, st.sampled_from([PEOPLE, ADDRESSES]))
def test_a_pattern_names_lines_that_there_are(lines: list[Line], rule: Rule) -> None:
    for found in find(lines, rule):
        mine = {
            one.id
            for one in lines
            if one.kind == rule.kind and found.first_at <= one.at <= found.last_at
            and (one.address == found.address if rule.by_address else one.user_id == found.user_id)
        }  # fmt: skip
        assert rule.count <= found.count <= len(mine)
        assert found.window <= found.last_at < found.window + timedelta(seconds=rule.seconds)
