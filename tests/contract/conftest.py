"""The DynamoDB that both contracts run on: the sandbox's stand-in, and the real one where it has been built.

What holds on both is what the product may rely on.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.dynamodb import CREDENTIALS, DynamoDb

LIMITS = Config(connect_timeout=5, read_timeout=20, max_pool_connections=16, retries={"total_max_attempts": 1})


@pytest.fixture(scope="session", params=["moto", pytest.param("local", marks=pytest.mark.real)])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of an empty DynamoDB, which never retries."""
    with ExitStack() as stack:
        if request.param == "moto":
            server = stack.enter_context(DynamoDb.start("moto"))
        else:
            server = request.getfixturevalue("real_host").dynamodb()
        client = boto3.client("dynamodb", endpoint_url=server.url, config=LIMITS, **CREDENTIALS)
        yield client
        client.close()
