"""The engine without transactions: every write of a test is stored, and read back."""

from . import dynamodb
from .common import *  # noqa: F403

OPTIONS = dynamodb.OPTIONS | {"large_transactions": "chunk"}  # a test may store what it likes
DATABASES = {
    alias: database | {"ENGINE": "tests.django_suite.committing", "OPTIONS": OPTIONS}
    for alias, database in dynamodb.DATABASES.items()
}
