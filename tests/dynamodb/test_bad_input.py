"""What cannot work is said in a sentence that names it, at whichever door it comes in."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client

from cryptopulse.dynamodb import errors, local, registry
from cryptopulse.dynamodb.options import Options, read_options
from cryptopulse.dynamodb.registry import Registry
from cryptopulse.dynamodb.store import Store
from tests.dynamodb.faults import Faults
from tests.dynamodb.physical import client

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"NAME": "a/b"}, "prefix of the DynamoDB tables is 'a/b'"),
        ({"NAME": "a b"}, "letters, digits"),
        ({"NAME": "x" * 101}, "at most 100"),
        ({"HOST": "us east"}, "'us east' is no AWS region"),
        ({"OPTIONS": {"endpoint": "127.0.0.1:8001"}}, "an address such as"),
        ({"OPTIONS": {"endpoint": "http://127.0.0.1:80019"}}, "an address such as"),
        ({"OPTIONS": {"colour": "blue"}}, "has no option 'colour'"),
        ({"OPTIONS": {"attempts": "many"}}, "attempts is 'many'; it must be a number"),
        ({"OPTIONS": {"attempts": "0"}}, "attempts must be at least 1"),
        ({"OPTIONS": {"pool_timeout": "-1"}}, "pool_timeout must not be negative"),
        ({"OPTIONS": {"read_timeout": "0"}}, "read_timeout must be more than 0"),
    ],
)
def test_settings_that_dynamodb_cannot_have_are_named(
    config: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        read_options({"NAME": "x"} | config)


@pytest.fixture
def faults(store: Store) -> Iterator[Faults]:
    with Faults(store.transport) as planned:
        yield planned


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AccessDeniedException", r"AWS does not allow dynamodb:GetItem: .* Allow this action"),
        ("ExpiredTokenException", r"The AWS credentials have expired, so GetItem was refused"),
        ("UnrecognizedClientException", r"AWS does not accept the credentials, so GetItem was"),
    ],
)
def test_credentials_that_do_not_serve_are_named_with_the_action(
    store: Store, faults: Faults, code: str, sentence: str
) -> None:
    faults.refuse("GetItem", code)
    with pytest.raises(errors.Denied, match=sentence):
        store.registry.ensure()
    store.registry.ensure()  # once it is mended


def test_what_aws_says_of_a_signature_is_repeated_nowhere(store: Store, faults: Faults) -> None:
    quoted = "The Canonical String should have been 'POST x-amz-security-token:SECRET'"
    faults.refuse("GetItem", "InvalidSignatureException", message=quoted)
    with pytest.raises(errors.Denied, match=r"refused: InvalidSignatureException\.") as caught:
        store.registry.ensure()
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_catalogue_of_a_newer_version_is_refused(store: Store, options: Options) -> None:
    store.registry.ensure()
    store.registry.write("generation", "-", n={"N": "7"}, format={"N": str(registry.FORMAT + 1)})
    with pytest.raises(errors.Outdated, match=r"has format 2, and this version of the program"):
        Registry(store).ensure()
    with pytest.raises(errors.Outdated):
        store.registry.refresh()


def test_a_table_deleted_past_the_engine_is_named(ledger: Any) -> None:
    endpoint = connection.settings_dict["OPTIONS"]["endpoint"]
    ledger.Owner.objects.create(name="ana")
    table = ledger.Owner._meta.db_table
    client(endpoint).delete_table(TableName=f"{connection.settings_dict['NAME']}-{table}")
    with pytest.raises(OperationalError, match=f"no table for {table}, although the catalogue"):
        ledger.Owner.objects.get(pk=1)
    with pytest.raises(OperationalError, match=f"no table for {table}, although the catalogue"):
        ledger.Owner.objects.create(name="bob")


def test_a_catalogue_deleted_past_the_engine_is_named(ledger: Any, store: Store) -> None:
    store.registry.ddl.drop(store.catalogue)
    with pytest.raises(OperationalError, match=f"catalogue {store.catalogue} was deleted"):
        store.registry.refresh()


def test_a_child_of_a_fork_does_not_wait_for_its_parents_lock(store: Store) -> None:
    store.registry.ensure()
    with store.registry._lock:  # as another thread might hold it at this moment
        child = multiprocessing.get_context("fork").Process(target=store.registry.refresh)
        child.start()
    child.join(10)
    alive = child.is_alive()
    child.kill()
    assert not alive
    assert child.exitcode == 0


def nobody_there() -> dict[str, str]:
    """Return an environment whose database does not answer."""
    url = "dynamodb://us-east-1/gone?endpoint=http://127.0.0.1:9&attempts=1"
    return os.environ | {"DATABASE_URL": url, "READ_DOTENV": "0", "DEBUG": "1"}


@pytest.mark.parametrize("command", ["migrate", "pulse"])
def test_a_command_without_a_server_ends_with_one_sentence(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        check=False,
        cwd=ROOT,
        env=nobody_there() | {"LOCAL_DIR": str(tmp_path), "PORT": str(local._free_port())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "database cannot be used: DynamoDB could not be reached" in done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("dynamodb")
class TestWithoutAServer:
    """Pages and probes while the database does not answer."""

    @pytest.fixture
    def database_settings(self) -> dict[str, Any]:
        return {
            "ENGINE": "cryptopulse.dynamodb",
            "NAME": "gone",
            "HOST": "us-east-1",
            "OPTIONS": {"endpoint": "http://127.0.0.1:9", "attempts": 1},
        }

    def test_a_page_is_the_products_error_page(self) -> None:
        answer = Client(raise_request_exception=False).get("/")
        assert answer.status_code == 500
        assert "CryptoPulse" in answer.content.decode()
        assert "127.0.0.1:9" not in answer.content.decode()

    def test_the_probe_says_that_the_database_does_not_answer(self) -> None:
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["database"] == "does not answer"
