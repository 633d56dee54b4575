"""The engine's wrapper with one feature less."""

from cryptopulse.dynamodb import base
from cryptopulse.dynamodb.features import DatabaseFeatures as EngineFeatures


class DatabaseFeatures(EngineFeatures):
    """Lets Django's TestCase store and flush instead of rolling back."""

    supports_transactions = False


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
