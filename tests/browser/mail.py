"""What the people of a story find in their mail boxes: the mails that the product has written."""

from __future__ import annotations

import email
import email.policy
import re
import time
from pathlib import Path

from .product import Product

#: What Django's file backend writes between two mails.
RULE = "\n" + "-" * 79 + "\n"


def mails_to(product: Product, address: str) -> list[str]:
    """Return the texts of all mails to this address, oldest first."""
    files = sorted((product.folder / "mails").glob("*"), key=lambda file: file.stat().st_mtime_ns)
    return [text for file in files for text in _texts(file, address)]


def _texts(file: Path, address: str) -> list[str]:
    texts = []
    for written in file.read_text().split(RULE):
        message = email.message_from_string(written, policy=email.policy.default)
        body = message.get_body(("plain",)) if message["To"] else None
        if body is not None and address in str(message["To"]):
            texts.append(str(body.get_content()))
    return texts


def link_in_mail(product: Product, address: str, *, after: int = 0) -> str:
    """Wait for a mail to this address, more than `after` of them; return the path of its link."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        mails = mails_to(product, address)
        if len(mails) > after:
            found = re.search(r"https?://[^/\s]+(/\S+)", mails[-1])
            assert found, mails[-1]
            return found[1]
        time.sleep(0.2)
    raise AssertionError(f"no mail to {address}")
