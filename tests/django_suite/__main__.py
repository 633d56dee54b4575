"""Runs the apps side by side and sums up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptopulse.dynamodb import local

from . import apps
from .runner import ERROR, EXPECTED, FAILED, PASSED, SKIPPED, Outcomes
from .source import CACHE, ROOT, tests_folder

#: Seconds; the longest app takes about a tenth of it.
APP_TAKES_AT_MOST = 3600


@dataclass(frozen=True)
class Run:
    """What became of one app."""

    app: str
    outcomes: Outcomes
    seconds: float
    has_finished: bool = True

    def ids(self, *outcomes: str) -> list[str]:
        """Return the tests that ended so."""
        return [name for name, (outcome, _) in self.outcomes.items() if outcome in outcomes]

    @property
    def skipped(self) -> dict[str, str]:
        """Tests that were not run, or were expected to fail -> the reason."""
        unused = (SKIPPED, EXPECTED)
        return {name: why for name, (what, why) in self.outcomes.items() if what in unused}


def main() -> None:
    """Run what the command line asks for; exit code 1 after any failure."""
    asked = _arguments()
    mode = "sqlite" if asked.sqlite else "commit" if asked.commit else "dynamodb"
    if mode != "sqlite" and local.find_server() is None:
        sys.exit(local.MISSING)
    labels = asked.labels or (
        apps.COMMITTED if asked.commit else apps.SHORT if asked.short else apps.ALL
    )
    results = Results(mode)
    folder = tests_folder()
    runs = []
    with ThreadPoolExecutor(asked.processes) as pool:
        # The longest first, so that none of them is left alone at the end.
        order = sorted(labels, key=results.seconds, reverse=True)
        pending = [pool.submit(run_app, app, mode=mode, folder=folder) for app in order]
        for done in as_completed(pending):
            runs.append(done.result())
            results.keep(runs[-1])
            _say_app(runs[-1])
    results.save()
    if asked.json:
        Path(asked.json).write_text(json.dumps({run.app: run.outcomes for run in runs}, indent=1))
    sys.exit(_sum_up(runs, mode))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.django_suite")
    parser.add_argument("labels", nargs="*", help="apps, or tests such as basic.tests.ModelTest")
    parser.add_argument("--short", action="store_true", help="the engine's essence only")
    parser.add_argument("--commit", action="store_true", help="store every write, read it back")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite, to compare with")
    parser.add_argument("--json", metavar="FILE", help="where to write each test's outcome")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def run_app(app: str, *, mode: str, folder: Path) -> Run:
    """Run one app's tests in a process of their own."""
    logs = CACHE / mode
    logs.mkdir(parents=True, exist_ok=True)
    log, result = logs / f"{app}.log", logs / f"{app}.json"
    result.unlink(missing_ok=True)
    settings = f"--settings=tests.django_suite.settings.{mode}"
    started = time.monotonic()
    with log.open("wb") as output, _server(mode) as endpoint:
        environment = os.environ | {
            "DJANGO_SUITE_ENDPOINT": endpoint,
            "DJANGO_SUITE_RESULT": str(result),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "runtests.py", settings, "--parallel=1", "--noinput", app]
        try:
            ended = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, timeout=APP_TAKES_AT_MOST, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            ended = None
    if result.is_file():
        outcomes = {
            name: (what, why) for name, (what, why) in json.loads(result.read_text()).items()
        }
    else:
        why = f"exit code {ended}" if ended is not None else f"more than {APP_TAKES_AT_MOST} s"
        outcomes = {f"{app} did not finish": (ERROR, f"{why}, see {log.relative_to(ROOT)}")}
    return Run(app, outcomes, time.monotonic() - started, has_finished=result.is_file())


@contextmanager
def _server(mode: str) -> Iterator[str]:
    if mode == "sqlite":
        yield ""
        return
    with local.running() as server:
        yield server.url


class Results:
    """What earlier runs in the same mode have brought, app by app."""

    def __init__(self, mode: str) -> None:
        self._file = CACHE / f"results-{mode}.json"
        self.apps: dict[str, dict[str, object]] = {}
        if self._file.is_file():
            self.apps = json.loads(self._file.read_text())

    def seconds(self, app: str) -> float:
        """Return how long an app took last time; one that is new is taken to be long."""
        return float(str(self.apps.get(app, {}).get("seconds", 1e9)))

    def skipped(self, app: str) -> set[str] | None:
        """Return the tests that an app skipped, None when it has not been run."""
        kept = self.apps.get(app)
        return None if kept is None else set(kept["skipped"])  # type: ignore[call-overload]

    def keep(self, run: Run) -> None:
        """Remember a run, unless it broke off: that says nothing of the next."""
        if run.has_finished:
            self.apps[run.app] = {"seconds": round(run.seconds, 1), "skipped": run.skipped}

    def save(self) -> None:
        self._file.write_text(json.dumps(self.apps, indent=1, sort_keys=True))


def _say_app(run: Run) -> None:
    numbers = "  ".join(
        f"{len(run.ids(*outcomes)):>4} {word}"
        for word, outcomes in (
            ("passed", [PASSED]),
            ("failed", [FAILED]),
            ("errors", [ERROR]),
            ("skipped", [SKIPPED, EXPECTED]),
        )
    )
    print(f"{run.app:<24}{len(run.outcomes):>4} run  {numbers}  {run.seconds:6.1f} s", flush=True)


def _sum_up(runs: list[Run], mode: str) -> int:
    for run in sorted(runs, key=lambda run: run.app):
        for name in run.ids(FAILED, ERROR):
            outcome, why = run.outcomes[name]
            print(f"{outcome.upper()} {name}\n    {why}")
    total = Counter(outcome for run in runs for outcome, _ in run.outcomes.values())
    if total[EXPECTED]:
        print(f"{total[EXPECTED]} of the skipped were run and failed, as features.py expects")
    if mode == "dynamodb":
        _compare(runs)
    print(
        f"django suite: {total.total()} run, {total[PASSED]} passed, {total[FAILED]} failed, "
        f"{total[ERROR]} errors, {total[SKIPPED] + total[EXPECTED]} skipped"
    )
    return 1 if total[FAILED] + total[ERROR] else 0


def _compare(runs: list[Run]) -> None:
    """Count what is skipped here and not on SQLite, for the apps that have run on both."""
    import django.db.backends.sqlite3.base  # noqa: F401 (its features cannot be imported first)

    from cryptopulse.dynamodb.features import OF_SQLITE_ITSELF

    sqlite = Results("sqlite")
    beyond, of_sqlite, compared = Counter[str](), 0, 0
    for run in runs:
        there = sqlite.skipped(run.app)
        if there is None:
            continue
        compared += 1
        for name in sorted(run.skipped.keys() - there):
            why = run.skipped[name]
            if why in OF_SQLITE_ITSELF:
                of_sqlite += 1
            else:
                beyond[why] += 1
    if not compared:
        return
    for why, number in beyond.most_common():
        print(f"{number:>4} skipped: {why}")
    left = "" if compared == len(runs) else f" in the {compared} apps that have run on both"
    print(f"tests of SQLite's own behaviour: {of_sqlite}")
    print(f"skips beyond SQLite: {beyond.total()}{left}")


if __name__ == "__main__":
    main()
