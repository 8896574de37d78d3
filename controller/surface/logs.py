"""Logs for machines: one JSON object a line on standard error, with the trace id where there is one.

Third-party libraries log warnings only, also where our level is debug: botocore's debug log contains signed headers,
and the Kubernetes client's contains what it read.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from controller.core.contract import legible
from controller.surface.program import legible_lines

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_TRACEBACKS = ("exc_info", "stack_info")
_OURS = ("controller", "state")


class Lines(JsonFormatter):
    """time (RFC 3339, UTC), level, logger, message, then what the caller added by `extra`."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Put the fields that every line has first, for people who read the lines."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["time"] = moment.replace("+00:00", "Z")
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Make every text legible here, so that no caller can forget to."""
        return {name: _legible(name, value) for name, value in super().process_log_record(log_data).items()}


def _legible(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return legible_lines(text) if name in _TRACEBACKS else legible(text)


def configure(level: str) -> None:
    """Write all logs to standard error, ours from `level` on (debug, info, warn, error), others' from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(["message"], json_ensure_ascii=False))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, _LEVELS[level]))
    for name in _OURS:
        logging.getLogger(name).setLevel(_LEVELS[level])
    logging.captureWarnings(True)


def add_filter(filter: logging.Filter) -> None:
    """Let `filter` see (and add to) every record before it is written."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(filter)
