"""Whether an answer is DynamoDB's at all, asked before botocore reads it.

botocore takes an empty body, a page of HTML and JSON without the expected fields for an answer that says nothing: a
transaction that was written, a table without items. A proxy or a portal between us and DynamoDB must not be able to
say either, for claims would be forgotten.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel

Item = dict[str, dict[str, msgspec.Raw]]


class MalformedAnswer(BotoCoreError):
    """A success whose body the API reference does not allow."""

    fmt = "the answer to {operation} is not one of DynamoDB's"


class _Page(msgspec.Struct, frozen=True):
    items: list[Item] = msgspec.field(name="Items")


class _Batch(msgspec.Struct, frozen=True):
    responses: dict[str, list[Item]] = msgspec.field(name="Responses")


_SHAPES: Mapping[str, Any] = {"Query": _Page, "BatchGetItem": _Batch}


def check_answer(*, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise MalformedAnswer unless a success is a JSON object with what the API reference promises of this operation;
    a handler of botocore's `before-parse`."""
    if response_dict["status_code"] >= 300:
        return
    try:
        msgspec.json.decode(response_dict["body"], type=_SHAPES.get(operation_model.name, dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedAnswer(operation=operation_model.name) from error
