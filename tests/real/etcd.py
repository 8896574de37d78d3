"""What a test does to etcd behind the API server's back, through etcd's own HTTP gateway.

An API server forgets old versions when etcd is compacted, which it asks for itself every five minutes; a test cannot
wait that long. `/v3/kv/range` and `/v3/kv/compaction` are etcd's gRPC API as JSON.
"""

import json
import urllib.request
from typing import Any

CALL_S = 10.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def compact(url: str) -> int:
    """Forget every version but the newest; gives that one, which is a resourceVersion."""
    newest = int(_post(url, "range", {"key": "AA=="})["header"]["revision"])
    _post(url, "compaction", {"revision": str(newest), "physical": True})
    return newest


def _post(url: str, call: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"{url}/v3/kv/{call}", json.dumps(body).encode(), method="POST")
    with _DIRECT.open(request, timeout=CALL_S) as answer:
        return json.load(answer)
