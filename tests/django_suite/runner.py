"""Django's test runner, writing what became of each test to a file as JSON.

Runs inside Django's `runtests.py`. The file is a mapping test id -> [outcome, detail].
"""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from typing import Any

from django.test.runner import DiscoverRunner

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
#: The test failed, as the backend's features say it would.
EXPECTED = "expected"
#: Of several outcomes of one test (its subtests, its clean-up) the worst counts.
BADNESS = [PASSED, SKIPPED, EXPECTED, FAILED, ERROR]

#: Compares two durations: on a busy machine it fails on any database.
TIMED = "serializers.test_deserialization.TestDeserializer.test_crafted_xml_performance"

Outcomes = dict[str, tuple[str, str]]


class Result(unittest.TextTestResult):
    """Keeps the worst outcome of each test."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcomes: Outcomes = {}

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 (unittest's name)
        super().addSuccess(test)
        self._record(test, PASSED)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._record(test, FAILED, self._sentence(err))

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addError(test, err)
        self._record(test, ERROR, self._sentence(err))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self._record(test, SKIPPED, reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        self._record(test, EXPECTED, self._sentence(err))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self._record(test, FAILED, "passes although it is expected to fail")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            self._record(test, FAILED if is_failure else ERROR, self._sentence(err))

    def _record(self, test: Any, outcome: str, detail: str = "") -> None:
        if test.id() == TIMED:
            outcome, detail = SKIPPED, "measures how fast the machine is"
        before = self.outcomes.get(test.id())
        if before is None or BADNESS.index(before[0]) < BADNESS.index(outcome):
            self.outcomes[test.id()] = (outcome, detail)

    def _sentence(self, err: Any) -> str:
        kind, error, _ = err
        lines = str(error).strip().splitlines() or [""]
        return f"{kind.__name__}: {lines[0]}"[:300]


class Runner(DiscoverRunner):
    """Writes the outcomes to the file that DJANGO_SUITE_RESULT names."""

    def get_resultclass(self) -> type[Result]:
        return Result

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        """Write the file when all tests have run; a file that is missing tells of a crash."""
        Path(os.environ["DJANGO_SUITE_RESULT"]).write_text(json.dumps(result.outcomes))
        return super().suite_result(suite, result, **kwargs)
