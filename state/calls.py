"""Tells an observer of each request to DynamoDB, so that metrics and their alerts know the ledger's calls, too.

The hooks are botocore's own, for whatever the library above it sends: `before-call`, `after-call` and, where no answer
came, `after-call-error` (botocore, `BaseClient._make_api_call`). Refreshing credentials counts to the request.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.hooks import BaseEventHooks

from state.codes import CODES

Observer = Callable[[str, float, str], None]
"""Told of each request: the operation, the seconds that it took, and the code of its error ("" for success)."""
UNANSWERED = "Unavailable"
OTHER = "other"
_BEGAN = "pod_eip_began"


def observe(events: BaseEventHooks, observer: Observer, clock: Callable[[], float] = time.monotonic) -> None:
    """Have this client's requests told. Safe to call again for the same client."""

    def begins(context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = clock()

    def answered(parsed: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        code = str(parsed.get("Error", {}).get("Code", ""))
        observer(model.name, clock() - context[_BEGAN], code if code in CODES or not code else OTHER)

    def failed(event_name: str, context: dict[str, Any], **_: Any) -> None:
        observer(event_name.rpartition(".")[2], clock() - context.get(_BEGAN, clock()), UNANSWERED)

    for event, handler in (("before-call", begins), ("after-call", answered), ("after-call-error", failed)):
        events.register(f"{event}.dynamodb", handler, unique_id=f"pod-eip-{event}")
