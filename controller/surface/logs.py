"""Logs on standard error: one JSON object a line, or text for a terminal; with the trace id where there is one.

Third-party libraries log warnings only, also where our level is debug: botocore's debug log contains signed headers,
and the Kubernetes client's contains what it read.
"""

import json
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
_SAID_BY_US = ("botocore.credentials",)
"""It writes a traceback for each try to get credentials; `state/credentials` says why there are none, once."""
_HEAD = ("time", "level", "logger", "message")


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


class Text(Lines):
    """The same, for people: `time LEVEL message name=value ... [logger]`, and tracebacks on lines of their own."""

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """The line; its parts are legible already."""
        named = [f"{name}={_word(value)}" for name, value in log_data.items() if name not in _HEAD + _TRACEBACKS]
        time, level, logger, message = (log_data[name] for name in _HEAD)
        line = " ".join([time, f"{level.upper():<7}", message, *named, f"[{logger}]"])
        return "\n".join([line, *(log_data[name] for name in _TRACEBACKS if log_data.get(name))])


def _word(value: Any) -> str:
    """A value as one word, in quotes where it is none."""
    text = value if isinstance(value, str) else json.dumps(value)
    plain = text != "" and not any(c in text for c in ' ="')
    return text if plain else json.dumps(text, ensure_ascii=False)


def _legible(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return legible_lines(text) if name in _TRACEBACKS else legible(text)


def configure(level: str, format: str | None = None) -> None:
    """Write all logs to standard error, ours from `level` on (debug, info, warn, error), others' from warnings on.

    format: text or json; None: text where standard error is a terminal, else json.
    """
    handler = logging.StreamHandler(sys.stderr)
    as_text = format == "text" or (format is None and sys.stderr.isatty())
    handler.setFormatter((Text if as_text else Lines)(["message"], json_ensure_ascii=False))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, _LEVELS[level]))
    for name in _OURS:
        logging.getLogger(name).setLevel(_LEVELS[level])
    for name in _SAID_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


def add_filter(filter: logging.Filter) -> None:
    """Let `filter` see (and add to) every record before it is written."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(filter)
