"""Answers to reads, taken as the JSON that they are.

Botocore walks through every attribute of every item beside the service's model, which is two
thirds of what a Query of 100 rows costs it, and returns what the JSON said, but for binary values.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any


def read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Handle botocore's before-parse: leave it an empty body, and put its content in the answer.

    Errors, and what is no JSON, are left to botocore.
    """
    if response_dict["status_code"] != 200:  # noqa: PLR2004 - OK
        return
    body = response_dict["body"]
    try:
        # No value but a binary one makes `"B"` likely, and decoding with a hook takes longer.
        content = json.loads(body, object_hook=_binary if b'"B"' in body else None)
    except ValueError:
        return
    if isinstance(content, dict):
        customized_response_dict.update(content)
        response_dict["body"] = b"{}"


def _binary(found: dict[str, Any]) -> dict[str, Any]:
    """Decode an attribute value of type B. An item's own attribute "B" has an object as value."""
    encoded = found.get("B")
    if isinstance(encoded, str) and len(found) == 1:
        return {"B": b64decode(encoded)}
    return found
