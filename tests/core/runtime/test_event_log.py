import json
import logging

import pytest

from mnist_core.runtime import event_log
from mnist_core.runtime.event_log import EventFormatter, log_error, log_event, short_id, write_log


@pytest.fixture
def written(caplog):
    """The lines of what was logged: `written(as_json)`."""
    caplog.set_level("INFO")
    return lambda as_json: [EventFormatter(as_json).format(record) for record in caplog.records]


@pytest.fixture
def logger():
    return logging.getLogger("tests.event_log")


def test_an_event_is_one_line_of_keys_and_values(logger, written):
    log_event(
        logger, "run_finished", run=short_id("0123456789abcdef"), seconds=1.25, place=None, text="two words"
    )
    (line,) = written(False)
    assert line.endswith('+00:00 INFO run_finished run=01234567 seconds=1.25 text="two words"')
    entry = json.loads(written(True)[0])
    del entry["time"]
    assert entry == {
        "level": "INFO",
        "event": "run_finished",
        "run": "01234567",
        "seconds": 1.25,
        "text": "two words",
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_visitor_wrote_adds_no_line_and_no_escape_sequence(logger, written, as_json):
    log_event(logger, "named", name='a"\n2026 ERROR forged=1\x1b[2J')
    (line,) = written(as_json)
    assert "\n" not in line
    assert "\x1b" not in line


def test_what_breaks_off_because_the_process_ends_is_no_error(logger, written):
    ended = RuntimeError("cannot schedule new futures after interpreter shutdown")
    assert len(log_error(logger, "trial_failed", ended)) == 6
    assert written(False) == []
    log_error(logger, "trial_failed", RuntimeError("bad"))
    assert "trial_failed" in written(False)[0]


def test_a_record_of_a_library_style_call_is_a_message(logger, written):
    logger.warning("%s is damaged", "the file")
    assert written(False)[0].endswith('WARNING message text="the file is damaged"')


def test_an_error_has_its_traceback_and_an_id_of_its_own(logger, written):
    errors = []
    for _ in range(2):
        try:
            raise ZeroDivisionError("secret")
        except ZeroDivisionError as error:
            errors.append(log_error(logger, "page_failed", error, page="draw"))
    first, second = written(False)
    assert errors[0] != errors[1]
    assert f"ERROR page_failed error={errors[0]} page=draw\nTraceback" in first
    assert f"error={errors[1]}" in second
    entry = json.loads(written(True)[0])
    assert entry["error"] == errors[0]
    assert "ZeroDivisionError: secret" in entry["traceback"]


@pytest.mark.parametrize(("form", "as_json"), [("", False), ("json", True)])
def test_the_log_goes_to_stderr_once(monkeypatch, capsys, form, as_json):
    monkeypatch.setattr(event_log, "PACKAGES", ("tests.written",))
    monkeypatch.setenv("DIGITLAB_LOG", form)
    logger = logging.getLogger("tests.written")
    try:
        write_log()
        write_log()  # every script run calls it
        log_event(logging.getLogger("tests.written.module"), "run_started")
    finally:
        logger.handlers.clear()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("{") == as_json
