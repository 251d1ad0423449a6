import importlib
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from mnist_core import __version__
from mnist_core.messages import InputError
from tests.browser.server import ROOT
from ui import browser_component, fragments
from ui.browser_component import prepare_theme, style_html
from ui.entry import LATE_IMPORTS


def test_the_server_is_set_up_as_measured():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["client"]["showErrorDetails"] == "none"  # no traceback for visitors
    assert config["client"]["showErrorLinks"] is False
    assert config["runner"]["postScriptGC"] is False  # 0.2 s after every click otherwise
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["fileWatcherType"] == "none"  # looks at every module for each new session
    if sys.platform != "win32":
        assert find_spec("uvloop") is not None  # Streamlit's loop takes it where it is: a sixth of an opening
    for theme in ("light", "dark"):
        assert (
            len(config["theme"][theme]["chartSequentialColors"]) == 10
        )  # Streamlit ignores any other number


def test_a_server_is_prepared_before_it_answers(sample_only, monkeypatch):
    server, imported, begun = importlib.import_module("streamlit_app"), [], []
    monkeypatch.setattr("ui.operator_reports.Heartbeat.start", lambda heartbeat: begun.append("status"))
    monkeypatch.setattr("ui.resources.load_network_first", lambda: begun.append("network"))
    monkeypatch.setattr(importlib, "import_module", imported.append)
    with pytest.raises(StopIteration):  # it waits for nothing
        server.prepared(server.app).__aenter__().send(None)
    modules = {f"ui.explore.{file.stem}" for file in (ROOT / "ui" / "explore").glob("*.py")}
    assert {"ui.explore.__init__", *imported} == modules | {*LATE_IMPORTS}
    assert begun == ["status", "network"]


def test_the_style_sheets_are_sent_in_one_line_with_all_of_their_rules():
    sheet = "".join((ROOT / "ui" / name).read_text() for name in ("style.css", "html/elements.css"))
    assert "\n" not in style_html()
    assert style_html().count("{") == sheet.count("{") - sum(
        comment.count("{") for comment in re.findall(r"/\*.*?\*/", sheet, re.DOTALL)
    )
    assert style_html().startswith("<style>.stApp {")


def test_a_page_has_containers_copied_once(app, monkeypatch):
    monkeypatch.setattr(DeltaGenerator, "__deepcopy__", None)
    app()
    assert DeltaGenerator.__deepcopy__ is fragments._copy_once


@pytest.mark.parametrize("section", ["theme", "theme.light", "theme.dark", "theme.dark.sidebar"])
def test_the_theme_that_is_made_once_is_streamlits_own(section):
    prepare_theme()
    ours, streamlits = CustomThemeConfig(), CustomThemeConfig()
    app_session._populate_theme_msg(ours, section)
    browser_component._fill_in_theme(streamlits, section)
    assert ours == streamlits
    assert section.endswith("sidebar") or len(ours.ListFields()) > 0


def test_a_page_has_the_theme_made_once(app, monkeypatch):
    monkeypatch.setattr(app_session, "_populate_theme_msg", browser_component._fill_in_theme)
    app()
    app_session._populate_theme_msg(CustomThemeConfig(), "theme")
    monkeypatch.setattr(
        "streamlit.config.get_options_for_section", None
    )  # from now on no option is looked up
    app_session._populate_theme_msg(CustomThemeConfig(), "theme")


@pytest.mark.parametrize("page", ["explore", "train", "draw", "runs"])
def test_the_version_is_on_every_page(app, html, page):
    assert f">Digit Lab {__version__}</p>" in html(app(page))


def test_the_version_is_at_the_command_line():
    command = [sys.executable, "-m", "mnist_core", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"Digit Lab {__version__}\n"


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("ui.visitor.listed_runs", {}),  # outside of any fragment
        ("ui.explore.outliers.show", {"view": "typical", "lang": "zh"}),
        ("ui.explore.sample_grid.reshuffle", {}),
    ],
)
def test_an_error_is_a_sentence_with_the_id_that_the_log_has(app, monkeypatch, caplog, place, query):
    def fail(*_args):
        raise RuntimeError("secret /srv/path")

    monkeypatch.setattr(place, fail)
    test = app(**query)
    if place.endswith("reshuffle"):
        assert not test.exception
        test = next(button for button in test.button if button.label == "New random sample").click().run()
    (shown,) = test.exception
    (record,) = [record for record in caplog.records if record.msg == "page_failed"]
    assert record.digitlab_fields["error"] in shown.message
    assert record.exc_info[0] is RuntimeError
    assert "secret" not in str(shown.proto)


def test_bad_input_within_a_fragment_is_told_in_its_own_words(app, monkeypatch, caplog):
    def refuse(*_args):
        raise InputError("{file} is damaged.", file="images")

    monkeypatch.setattr("ui.explore.outliers.show", refuse)
    (shown,) = app(view="typical").exception
    assert shown.message == "images is damaged."
    assert "page_failed" not in [record.msg for record in caplog.records]
