import os
import subprocess
import sys
import tomllib

import pytest

from mnist_core import __version__
from tests.browser.server import ROOT


def test_the_server_is_set_up_as_measured():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["client"]["showErrorDetails"] == "none"  # no traceback for visitors
    assert config["runner"]["postScriptGC"] is False  # 0.2 s after every click otherwise
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["fileWatcherType"] == "none"  # looks at every module for each new session
    for theme in ("light", "dark"):
        assert (
            len(config["theme"][theme]["chartSequentialColors"]) == 10
        )  # Streamlit ignores any other number


def test_the_first_page_is_painted_without_torch():
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        "test = AppTest.from_file('streamlit_app.py', default_timeout=60).run(); "
        "assert test.title and not test.exception; "
        "print(sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )
    environment = {**os.environ, "DIGITLAB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", ["explore", "train", "draw", "runs"])
def test_the_version_is_on_every_page_and_at_the_command_line(app, page):
    assert f"Digit Lab {__version__}" in [caption.value for caption in app(page).caption]
    command = [sys.executable, "-m", "mnist_core", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"Digit Lab {__version__}\n"
