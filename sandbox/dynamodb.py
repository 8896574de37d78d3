"""A DynamoDB on loopback: DynamoDB Local where it has been fetched and Java is here, else moto's behind a lock.

The ledger needs real transactions, and a person who tries the sandbox may have no Java. Both keep everything in
memory, so each start is an empty account. Neither knows limits of capacity, and moto never says TransactionConflict.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self, TypedDict

from sandbox import parts_cache
from sandbox.process import Child, StartError, answers, free_port

Kind = Literal["local", "moto"]


class Credentials(TypedDict):
    """What `boto3.client` needs besides the endpoint."""

    aws_access_key_id: str
    aws_secret_access_key: str
    region_name: str


# Any key of letters and digits does; DynamoDB Local runs with -sharedDb, so that it is one account for all of them.
CREDENTIALS = Credentials(aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name="eu-central-1")


BRIEFLY = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a JVM that lives seconds: the second compiler and the parallel collector cost twice what the requests need."""


def local_argv(port: int) -> list[str | Path]:
    """The command that starts DynamoDB Local. StartError if it cannot run here."""
    jars = parts_cache.dynamodb_local()
    if jars is None:
        raise StartError("DynamoDB Local has not been fetched, or there is no Java: see `make real`")
    java = ["java", *BRIEFLY, "-Xmx512m", f"-Djava.library.path={jars}", "-cp", f"{jars}/*"]
    server = "software.amazon.dynamodb.services.local.main.ServerRunner"
    return [*java, server, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]


def moto_argv(port: int) -> list[str | Path]:
    """The command that starts moto's DynamoDB."""
    return [sys.executable, "-m", "sandbox.moto_dynamodb", "--port", str(port)]


ARGV: Mapping[Kind, Callable[[int], list[str | Path]]] = MappingProxyType({"local": local_argv, "moto": moto_argv})


class DynamoDb:
    """A running server: `url` for `AWS_ENDPOINT_URL_DYNAMODB`, and `kind` to say which one it is."""

    def __init__(self, kind: Kind, url: str, child: Child):
        self.kind, self.url, self._child = kind, url, child

    @classmethod
    def start(
        cls, prefer: Literal["auto"] | Kind = "auto", *, port: int | None = None, log: Path | None = None
    ) -> Self:
        """Start one and wait until it answers, at most 30 s for each of three tries. StartError if it does not."""
        kind: Kind = ("local" if parts_cache.dynamodb_local() else "moto") if prefer == "auto" else prefer
        for _ in range(2):
            with suppress(StartError):  # another process took the port, or the machine is overloaded
                return cls._start(kind, port or free_port(), log)
        return cls._start(kind, port or free_port(), log)

    @classmethod
    def _start(cls, kind: Kind, port: int, log: Path | None) -> Self:
        child = Child(ARGV[kind](port), log=log)
        url = f"http://127.0.0.1:{port}"
        child.wait_ready(answers(url), 30)
        return cls(kind, url, child)

    def stop(self) -> None:
        """End the server and everything in it; again does nothing."""
        self._child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
