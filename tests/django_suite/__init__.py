"""Django's own test suite, run against the DynamoDB engine: `make test-django`.

    python -m tests.django_suite [--commit | --sqlite] [--short] [--json FILE] [app ...]

Each app runs in a process of its own with a DynamoDB server of its own, in memory, two at a time.
`--commit` tells Django that the database has no transactions, so that its TestCase really stores
every write and reads it back. `--sqlite` runs the same on Django's SQLite backend, after which
the engine's skips can be compared with SQLite's. Logs and results are in `.local/django`.
"""
