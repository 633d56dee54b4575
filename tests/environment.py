"""The environment that the tests run in; loaded by pytest before Django's settings are."""

import atexit
import os
import sys
import tempfile

from cryptopulse.dynamodb import local

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ.setdefault("LOCAL_DIR", tempfile.mkdtemp(prefix="cryptopulse-tests-"))
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("HTTPS", "0")
os.environ.setdefault("MARKET_FEEDS", "simulated")
os.environ["READ_DOTENV"] = "0"


def give_dynamodb_a_server() -> None:
    """Start one in memory for this process (xdist worker) if DATABASE_URL names none itself."""
    # The workers inherit what is set below, and each wants a server of its own.
    url = os.environ.setdefault("DATABASE_URL_OF_TESTS", os.environ.get("DATABASE_URL", ""))
    if not url.startswith("dynamodb:") or "endpoint=" in url:
        return
    try:
        server = local.start()
    except local.LocalServerError as error:
        sys.exit(str(error))
    atexit.register(server.stop)
    os.environ["DATABASE_URL"] = f"{url}{'&' if '?' in url else '?'}endpoint={server.url}"


give_dynamodb_a_server()
