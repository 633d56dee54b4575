"""Answers to reads are what botocore would have made of them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import boto3
import botocore.parsers
import pytest

from cryptopulse.dynamodb import answers

ITEM = {
    "@s": {"S": "0"},
    "price": {"N": "1.50"},
    "gone": {"NULL": True},
    "big": {"L": [{"S": "1e300"}]},
    "B": {"S": "an attribute of this name"},
    "blob": {"B": b64encode(b"\0bytes\xff").decode()},
    "quoted": {"S": 'says "B": not what it is'},
}
ANSWERS = {
    "GetItem": {"Item": ITEM, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}},
    "Query": {"Items": [ITEM, ITEM], "Count": 2, "LastEvaluatedKey": {"@s": {"S": "0"}}},
    "Scan": {"Items": [], "Count": 0},
    "BatchGetItem": {
        "Responses": {"t": [ITEM]},
        "UnprocessedKeys": {"t": {"Keys": [{"@s": {"S": "é"}}]}},
    },
}


def parsed(operation: str, status: int, body: bytes, *, ours: bool) -> dict[str, Any]:
    """Return what the caller of botocore gets for a body, as its Endpoint puts it together."""
    client = boto3.session.Session().client("dynamodb", region_name="us-east-1")
    shape = client.meta.service_model.operation_model(operation).output_shape
    response = {"status_code": status, "headers": {}, "body": body, "context": {}}
    added: dict[str, Any] = {}
    if ours:
        answers.read(response_dict=response, customized_response_dict=added, operation_model=None)
    answer: dict[str, Any] = botocore.parsers.create_parser("json").parse(response, shape) | added
    return answer


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_is_the_same_as_botocores(operation: str) -> None:
    body = json.dumps(ANSWERS[operation]).encode()
    ours = parsed(operation, 200, body, ours=True)
    assert ours == parsed(operation, 200, body, ours=False)
    assert ours["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_binary_values_are_bytes() -> None:
    body = json.dumps(ANSWERS["GetItem"]).encode()
    assert parsed("GetItem", 200, body, ours=True)["Item"]["blob"] == {"B": b"\0bytes\xff"}


def test_an_error_is_left_to_botocore() -> None:
    body = json.dumps({"__type": "x#ValidationException", "message": "no"}).encode()
    answer = parsed("Query", 400, body, ours=True)
    assert answer["Error"] == {"Code": "ValidationException", "Message": "no"}


@pytest.mark.parametrize("body", [b'{"Items": [', b"<html>", b"[]"])
def test_what_is_no_answer_is_left_to_botocore(body: bytes) -> None:
    response = {"status_code": 200, "headers": {}, "body": body}
    added: dict[str, Any] = {}
    answers.read(response_dict=response, customized_response_dict=added)
    assert (response["body"], added) == (body, {})
