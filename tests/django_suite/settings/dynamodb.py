"""The engine, two databases of it on one server."""

import os

from .common import *  # noqa: F403

OPTIONS = {
    "endpoint": os.environ["DJANGO_SUITE_ENDPOINT"],
    "catalogue_ttl": 0,  # one process: nobody else changes the catalogue
    # Tests delete all permissions at once: more than one transaction takes, and nobody rolls back.
    "large_transactions": "chunk",
    "scans": "allow",  # the suite's models have few indexes
}
DATABASES = {
    alias: {
        "ENGINE": "cryptopulse.dynamodb",
        "NAME": alias,
        "HOST": "us-east-1",
        "OPTIONS": OPTIONS,
    }
    for alias in ("default", "other")
}
