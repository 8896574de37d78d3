"""Many clients, each with one whole request after the other: `python -m tests.web.flood PORT CLIENTS SECONDS`.

A process of its own, so that the one that asks the probes is not slowed down by it. It prints how many answers of each
status there were (0: none), and how many bytes, as JSON. With `--deaf` the clients ask and never read.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter

_REQUEST = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n\r\n"
_LIMIT_S = 30.0


class Flood:
    """The clients, and what they were answered."""

    def __init__(self, port: int, path: str, deaf: bool) -> None:
        self._port, self._path, self._deaf = port, path, deaf
        self.statuses: Counter[int] = Counter()
        self.size = 0

    async def run(self, clients: int, seconds: float) -> None:
        """All clients, until the time is over."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._client(until) for _ in range(clients)))

    async def _client(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                answer = await asyncio.wait_for(self._ask(until), _LIMIT_S)
            except (OSError, TimeoutError):
                answer = b""
            self.size += len(answer)
            self.statuses[int(answer[9:12]) if answer else 0] += 1

    async def _ask(self, until: float) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**10 if self._deaf else 2**20)
        try:
            writer.write(_REQUEST % self._path.encode())
            await writer.drain()
            if self._deaf:
                await asyncio.sleep(max(until - time.monotonic(), 0))
            return await reader.read(-1)
        finally:
            writer.close()


def main() -> None:
    """Flood, then tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("clients", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--path", default="/api/v1/status")
    parser.add_argument("--deaf", action="store_true")
    given = parser.parse_args()
    flood = Flood(given.port, given.path, given.deaf)
    asyncio.run(flood.run(given.clients, given.seconds))
    sys.stdout.write(json.dumps({"statuses": flood.statuses, "bytes": flood.size}) + "\n")


if __name__ == "__main__":
    main()
