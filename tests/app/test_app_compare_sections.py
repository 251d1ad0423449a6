"""The sections of the Compare page: settings, curves, images."""

import json
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from tests.app.compared import runs, text_of
from tests.browser.server import ROOT
from ui.compare.selection import setting_texts
from ui.html.tables import table_html
from ui.runs.progress import history
from ui.url_state import MOST_COMPARED


@pytest.mark.parametrize("part", ["accuracy", "settings", "curves", "images", "repeats", "nonsense"])
def test_every_section_opens_by_link(app, make, answer, part):
    first, second = make(results={"test_accuracy": 0.9}), make("tutorial-1")
    answer({first: [1]})
    test = app("compare", runs=runs(first, second), part=part, lang="zh")
    assert not test.exception
    assert test.pills(key="part").value == (part if part != "nonsense" else "accuracy")


def test_the_link_to_a_comparison_holds_what_is_shown(app, make, answer):
    shown = {"part": "curves", "curve": "train_loss", "over": "seconds", "axis": "log", "note": "Look"}
    test = app("compare", runs=runs(make(), make("tutorial-1")), lang="zh", **shown)
    link = parse_qs(urlsplit(test.code[0].value).query)
    assert {name: link.get(name) for name in shown} == {name: [value] for name, value in shown.items()}
    assert "lang" not in link  # who opens it has a language of their own


def test_only_the_settings_that_differ(app, make, answer, html):
    first, second = make(), make(activation="tanh", widths=(9,), shuffle=False)
    page = html(app("compare", runs=runs(first, second), part="settings"))
    assert "Tanh" in page
    assert "<td>yes</td><td>no</td>" in page
    assert "<td>9</td>" in page
    assert "Learning rate" not in page
    same = text_of(app("compare", runs=runs(first, make()), part="settings"))
    assert "All settings are the same" in same


def test_a_setting_that_a_network_has_no_use_for_is_a_dash():
    cnn, mlp = (TrainConfig(architecture=name, channels=(4,), widths=(9,)) for name in ("cnn", "mlp"))
    softmax = TrainConfig(architecture="softmax", activation="tanh")
    assert setting_texts("channels", [cnn, mlp]) == ["4", "–"]
    assert setting_texts("widths", [mlp, softmax]) == ["9", "–"]
    assert setting_texts("activation", [mlp, softmax]) == ["ReLU", "–"]


def test_a_table_keeps_its_words_as_they_are():
    page = table_html(["x", "<i>"], [["<a>", "<b>"]], words="<u>")
    assert all(f"&lt;{tag}&gt;" in page for tag in "iab")


def test_curves_over_one_another(app, make, answer, html):
    first, second = make(), make("tutorial-1")
    test = app("compare", runs=runs(first, second), part="curves")
    page = html(test)
    assert page.index("Quick</span>: 90.00%") < page.index("Tutorial 1</span>: 90.00%")
    assert "--run: var(--lab-run-2)" in page
    assert "monitored the same images" in text_of(test)
    test.selectbox(key="curve").set_value("monitor_loss").run()
    assert "Quick</span>: 0.5<" in html(test)
    assert test.query_params["curve"] in ("monitor_loss", ["monitor_loss"])
    assert not app("compare", runs=runs(first, second), part="curves", axis="log", over="seconds").exception


def test_runs_that_only_guess_are_shown_on_the_whole_axis(app, make, answer, html, monkeypatch):
    first, second = make(), make("tutorial-1")
    near = {"monitor_accuracy": 0.104, "monitor_loss": 2.31}

    def rows(run):
        return history(run).assign(**{name: value for name, value in near.items() if run.id == first})

    monkeypatch.setattr("ui.compare.curves.history", rows)
    assert "guessing: " not in html(app("compare", runs=runs(first, second), part="curves"))
    monkeypatch.setattr("ui.compare.curves.history", lambda run: history(run).assign(**near))
    page = html(app("compare", runs=runs(first, second), part="curves"))
    assert "guessing: 10%" in page
    (chart,) = app("compare", runs=runs(first, second), part="curves").get("vega_lite_chart")
    assert json.loads(chart.proto.spec)["layer"][0]["encoding"]["y"]["scale"]["zero"]
    page = html(app("compare", runs=runs(first, second), part="curves", curve="monitor_loss"))
    assert "guessing: 2.3" in page


def test_the_images_that_only_one_gets_right(app, make, answer, html):
    first, second = make(), make("tutorial-1")
    answer({first: [5], second: [5, *range(100, 130)]})
    test = app("compare", runs=runs(first, second), part="images")
    assert test.pills(key="right").options == [
        "Only Quick correct (30)",
        "Only Tutorial 1 correct (0)",
        "Neither correct (1)",
    ]
    label = load_sample().test.labels[100]
    assert f"Test image 100, label {label}: Quick predicts {label}, " in html(test)
    assert f"Tutorial 1 predicts {(label + 1) % 10}, " in html(test)
    assert html(test).count("<figure") == 24
    next(button for button in test.button if button.label == "Next page").click().run()
    assert html(test).count("<figure") == 6
    assert "Images 25 to 30 of 30" in text_of(test)
    test.pills(key="right").set_value("none").run()
    assert html(test).count("<figure") == 1
    test.pills(key="right").set_value("2").run()
    assert "There are no such images" in text_of(test)


def test_the_images_that_only_one_of_many_gets_right(app, make, answer, html):
    ids = [make(), make("tutorial-1"), make("tutorial-3")]
    answer({ids[0]: [5, 6], ids[1]: [5, 6, 7], ids[2]: [5, 8]})
    test = app("compare", runs=runs(*ids), part="images")
    assert test.pills(key="right").options == [
        "Only Quick correct (0)",
        "Only Tutorial 1 correct (0)",
        "Only Tutorial 3 correct (1)",
        "None correct (1)",
    ]
    test.pills(key="right").set_value("3").run()
    assert "Test image 6, label " in html(test)
    assert html(test).count("Quick predicts") == 1
    test.selectbox(key="among").set_value("1-2").run()
    assert test.pills(key="right").options[:2] == ["Only Quick correct (1)", "Only Tutorial 1 correct (0)"]
    assert "Test image 7, label " in html(test)


def test_the_line_at_guessing_has_a_colour_of_its_own_beside_eight_runs():
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    style = (ROOT / "ui" / "style.css").read_text("utf-8")
    light, dark = (theme[part]["chartCategoricalColors"] for part in ("light", "dark"))
    assert len({*light}) == len({*dark}) == len(light) == MOST_COMPARED + 1
    for place, colours in enumerate(zip(light, dark, strict=True), 1):
        assert f"--lab-run-{place}: light-dark({', '.join(colours)})" in style
