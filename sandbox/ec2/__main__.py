"""Runs the EC2 simulation as a process: `python -m sandbox.ec2 --port 4566`.

The first line on standard output is the URL, as soon as calls are answered; SIGTERM and SIGINT end it.
"""

import argparse
import signal
from pathlib import Path

import msgspec

from sandbox.ec2.server import Ec2Server
from sandbox.ec2.settings import Ec2Settings


def main() -> None:
    """Serves until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.ec2", description="a simulation of EC2's Elastic IPs")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--settings", type=Path, help="a JSON file with the fields of Ec2Settings")
    options = parser.parse_args()
    settings = msgspec.json.decode(options.settings.read_bytes() if options.settings else b"{}", type=Ec2Settings)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with Ec2Server(settings, host=options.host, port=options.port) as ec2:
        print(ec2.url, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
