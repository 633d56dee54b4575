"""The environment that the tests run in; loaded by pytest before Django's settings are."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ.setdefault("LOCAL_DIR", tempfile.mkdtemp(prefix="cryptopulse-tests-"))
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("HTTPS", "0")
os.environ.setdefault("MARKET_FEEDS", "simulated")
os.environ["READ_DOTENV"] = "0"
