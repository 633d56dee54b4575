"""What a long life asks of the garbage collector (`cryptopulse.garbage`)."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from cryptopulse import garbage

pytestmark = pytest.mark.once

SCRIPT = """
import gc
from cryptopulse import garbage
class Node: pass
kept = Node()
garbage.settle()
assert not any(isinstance(one, Node) for one in gc.get_objects()), "still looked through"
assert gc.get_freeze_count() > 1000
later = Node()
later.itself = later
del later
assert gc.collect() >= 1, "later garbage is not found"
print("settled", kept.__class__.__name__, gc.get_threshold())
"""


def test_what_was_there_is_left_out_of_later_rounds_and_new_garbage_is_still_found() -> None:
    # In a process of its own: frozen objects would stay so for all other tests.
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert ran.stdout.split(maxsplit=2)[:2] == ["settled", "Node"]
    assert str(garbage.THRESHOLDS) in ran.stdout
    assert gc.get_freeze_count() == 0
