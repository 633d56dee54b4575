"""One setting puts static files and uploads on S3: uploads private, static files public."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parent.parent
BUCKET = "cryptopulse-files"


@pytest.fixture
def aws() -> Iterator[dict[str, str]]:
    """Run an S3 on loopback and return the environment that leads there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    yield environment
    server.stop()


def client(aws: dict[str, str]) -> object:
    return boto3.client(
        "s3",
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def python(code: str, environment: dict[str, str]) -> str:
    """Run code in a process of its own, with these settings, and return what it prints."""
    prelude = "import django; django.setup();"
    result = subprocess.run(
        [sys.executable, "-c", prelude + code],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_static_files_and_uploads_go_to_the_bucket(aws: dict[str, str]) -> None:
    s3 = client(aws)
    s3.create_bucket(Bucket=BUCKET)  # type: ignore[attr-defined]
    environment = aws | {
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "DJANGO_SETTINGS_MODULE": "cryptopulse.settings",
    }

    url = python(
        "from django.core.management import call_command;"
        "call_command('collectstatic', interactive=False, verbosity=0);"
        "from django.templatetags.static import static; print(static('css/tokens.css'))",
        environment,
    )

    path = urlsplit(url)
    assert path.netloc == f"{BUCKET}.s3.us-east-1.amazonaws.com"
    stored = s3.get_object(Bucket=BUCKET, Key=path.path.lstrip("/"))  # type: ignore[attr-defined]
    assert "max-age=31536000" in stored["CacheControl"]
    assert b"--accent" in stored["Body"].read()

    link = python(
        "from django.core.files.base import ContentFile;"
        "from django.core.files.storage import default_storage as storage;"
        "name = storage.save('exports/alice.csv', ContentFile(b'coin,quantity'));"
        "print(storage.url(name))",
        environment,
    )

    query = parse_qs(urlsplit(link).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert requests.get(link, timeout=10).content == b"coin,quantity"
