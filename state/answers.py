"""Whether an answer is DynamoDB's at all, checked before botocore reads it.

botocore takes an empty body, a page of HTML, or JSON without the expected fields for an answer without fields. That
would mean a transaction that was written, or a table without items, and claims would be forgotten. A proxy between us
and DynamoDB must not be able to say that.
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
    """Raise MalformedAnswer for a success that is not a JSON object with the fields of this operation's API reference.

    It is a handler of botocore's `before-parse`.
    """
    if response_dict["status_code"] >= 300:
        return
    try:
        msgspec.json.decode(response_dict["body"], type=_SHAPES.get(operation_model.name, dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedAnswer(operation=operation_model.name) from error
