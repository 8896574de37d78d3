"""Whether an answer is EC2's at all, checked before botocore reads it.

botocore takes an empty body, or any XML page, for an answer without fields. That would mean an account without
addresses, or a successful disassociation. A proxy between us and EC2 must not be able to say either.
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<(\w+)[\s/>]")


def check_answer(*, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise ResponseParserError for a success that is not this operation's; a handler of botocore's `before-parse`.

    The root element of an answer is the operation's name and `Response` (EC2 API reference, "Making requests").
    """
    if response_dict["status_code"] >= 300:
        return
    root = _ROOT.match(response_dict["body"])
    if root is None or root[1].decode() != f"{operation_model.name}Response":
        raise ResponseParserError(f"the answer to {operation_model.name} is not one of EC2's")
