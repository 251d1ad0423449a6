"""The server's log: one event a line, as key=value or JSON, and errors with the id shown to visitors."""

from __future__ import annotations

import json
import logging
import os
import secrets
from datetime import UTC, datetime

LOG_VARIABLE = "DIGITLAB_LOG"  # text, or json
PACKAGES = ("mnist_core", "ui")  # packages whose loggers are written
FIELDS = "digitlab_fields"  # a record's attribute


def log_event(logger: logging.Logger, event: str, **fields: object) -> None:
    """Log an event, a noun and a verb such as `run_started`; fields that are None are left out."""
    logger.info(event, extra={FIELDS: fields})


def log_error(logger: logging.Logger, event: str, error: BaseException, **fields: object) -> str:
    """Log an error with its traceback; return the id, six characters, by which a visitor can name it.

    What breaks off because the process ends is no error, and not logged.
    """
    error_id = secrets.token_hex(3)
    if not is_end_of_process(error):
        logger.error(event, exc_info=error, extra={FIELDS: {"error": error_id, **fields}})
    return error_id


def is_end_of_process(error: BaseException) -> bool:
    """Whether `error` is that of a thread which wanted another one while the process ended."""
    return isinstance(error, RuntimeError) and "interpreter shutdown" in str(error)


def short_id(run_id: str) -> str:
    """Return the beginning of a run's id for the log, as the whole id would give access to the run."""
    return run_id[:8]


def write_log() -> None:
    """Have the events of this process written to stderr, in the form that LOG_VARIABLE names."""
    for package in PACKAGES:
        logger = logging.getLogger(package)
        if any(isinstance(handler.formatter, EventFormatter) for handler in logger.handlers):
            continue
        handler = logging.StreamHandler()
        handler.setFormatter(EventFormatter(as_json=os.environ.get(LOG_VARIABLE) == "json"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


class EventFormatter(logging.Formatter):
    """Writes a record as `time LEVEL event key=value`, with a traceback below, or as one JSON object.

    A record that is no event gets the event `message` and its text in the field `text`.
    """

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text; values are escaped, so that a visitor's text can't add a line."""
        fields = getattr(record, FIELDS, None)
        event = "message" if fields is None else record.msg
        known = {"text": record.getMessage()} if fields is None else fields
        known = {name: value for name, value in known.items() if value is not None}
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._as_json:
            entry = {"time": time, "level": record.levelname, "event": event, **known}
            return json.dumps(entry | ({"traceback": trace} if trace else {}), default=str)
        words = [time, record.levelname, event, *(f"{name}={_text(value)}" for name, value in known.items())]
        return " ".join(words) + (f"\n{trace}" if trace else "")


def _text(value: object) -> str:
    """Return a value as written after `key=`: in quotes and escaped unless it is a plain word."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    plain = text.isascii() and text.isprintable() and not set(text) & set(' "=\\') and text
    return text if plain else json.dumps(text)
