"""The sections of the Explore page beyond the grid."""

import re
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core.data.label_errors import LABEL_ERRORS
from mnist_core.data.mnist import Split, load_sample
from mnist_core.data.statistics import distances_to_mean, statistics, typical_images_and_outliers
from tests.browser.server import ROOT
from ui import resources
from ui.resources import load_network_soon

SECTIONS = ["grid", "image", "statistics", "typical", "map", "doubtful"]
OPEN_AND_LOOK = """
import sys
from mnist_core.data import mnist
from tests.made_sets import pictures
from ui import resources
mnist.sample_digits = lambda: pictures(1797, 10)  # scikit-learn imports pandas
resources.SECONDS_TO_OPEN, resources.SECONDS_TO_PAINT = 20, 100
from streamlit.testing.v1 import AppTest
test = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert test.title and not test.exception
print(sum(element.proto.body.count("<figure") for element in test.get("html")), "images")
print(*{"torch", "torchvision", "openTSNE", "pandas"} & sys.modules.keys())
"""


def vector(page):
    """The numbers in the vector."""
    text = re.search(r'class="lab-vector"[^>]*>\[(.*?)\]<', page, re.DOTALL)[1]
    return [float(number.replace("\N{MINUS SIGN}", "-")) for number in text.split(",")]


def numbers_shown(page):
    """The numbers of the images that show their labels."""
    return [int(number) for number in re.findall(r"image number (\d+)", page)]


def text_of(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.info, *test.warning])


def button(test, label):
    return next(found for found in test.button if found.label == label)


def test_the_page_opens_with_the_grid_and_a_canvas_before_torch_or_pandas_is_imported(sample_only):
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AND_LOOK, str(ROOT / "streamlit_app.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["9 images", ""]


def test_a_server_loads_the_pretrained_network_before_somebody_draws(sample_only, monkeypatch):
    loaded = []
    monkeypatch.setattr(resources, "SECONDS_TO_PAINT", 0)
    monkeypatch.setattr(resources, "model", lambda run: loaded.append(run.id))
    load_network_soon()
    load_network_soon()
    resources.network_job().wait()
    assert loaded == ["pretrained"]


@pytest.mark.parametrize(("preload", "loaded"), [("1", ["pretrained"]), ("0", [])])
def test_a_server_that_is_told_to_loads_it_before_it_answers(sample_only, monkeypatch, preload, loaded):
    models, pauses = [], []
    monkeypatch.setenv("DIGITLAB_PRELOAD", preload)
    monkeypatch.setattr(resources, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(resources, "model", lambda run: models.append(run.id))
    resources.load_network_first()
    assert (models, pauses) == (loaded, [])


@pytest.mark.parametrize("view", [*SECTIONS, "nonsense"])
def test_every_section_opens_by_link(app, html, view):
    test = app(view=view, lang="zh")  # other tests open them in English
    assert not test.exception
    assert test.pills(key="view").value == (view if view in SECTIONS else "grid")


def test_a_section_chosen_is_in_the_url(app):
    test = app()
    test.pills(key="view").set_value("statistics").run()
    assert test.query_params["view"] == "statistics"
    assert any("Mean image of each digit" in header.value for header in test.subheader)


def test_a_number_typed_leads_to_that_image(app, html):
    test = app(split="test")
    test.number_input(key="jump").set_value(42).run()
    assert [test.query_params[key] for key in ("view", "index", "split")] == ["image", "42", "test"]
    assert numbers_shown(html(test)) == [42]
    assert f"Label <b>{load_sample().test.labels[42]}</b>" in html(test)


def test_an_image_of_a_section_can_be_opened_and_the_section_come_back_to(app, html):
    test = app(view="typical", digit="7")
    choice = test.selectbox(key="of_odd").options[3]
    test.selectbox(key="of_odd").select(choice).run()
    assert [f"no. {number:,}" for number in numbers_shown(html(test))] == [choice]
    test.pills(key="view").set_value("typical").run()
    assert test.selectbox(key="of_odd").value is None
    assert len(numbers_shown(html(test))) == 18


@pytest.mark.parametrize(
    ("index", "shown"),
    [("99999", 1499), ("1499", 1499), ("-1", 0), ("1" * 30, 0)],
)
def test_an_index_from_the_url_out_of_range_or_not_a_number(app, html, index, shown):
    test = app(view="image", index=index)
    assert numbers_shown(html(test)) == [shown]
    assert not test.exception
    if index == "99999":
        assert "no image 99,999 here; the last one is 1,499" in test.warning[0].value
    else:
        assert not test.warning


def test_next_and_previous_go_round(app, html):
    test = app(view="image", index="1499")
    button(test, "Next").click().run()
    assert numbers_shown(html(test)) == [0]
    button(test, "Previous").click().run()
    assert numbers_shown(html(test)) == [1499]
    assert test.query_params["index"] == "1499"


def test_the_784_values_are_the_images_in_the_square_and_in_the_line(app, html):
    pixels = load_sample().train.images[3]
    page = html(app(view="image", index="3"))
    cells = re.findall(r'<td[^>]*style="--grey:(\d+)">(\d+)</td>', page)
    assert [int(text) for _grey, text in cells] == pixels.ravel().tolist()
    assert all(grey == text for grey, text in cells)
    assert vector(page) == pixels.ravel().tolist()


def test_a_scaling_shows_what_it_does_to_the_values(app, html):
    test = app(view="image", index="3")
    pixels = load_sample().train.images[3].ravel() / 255
    for scaling, mean, spread in (("unit", 0, 1), ("symmetric", 0.5, 0.5), ("standard", 0.1307, 0.3081)):
        test.pills(key="scaling").set_value(scaling).run()
        assert test.query_params["scaling"] == scaling
        np.testing.assert_allclose(vector(html(test)), (pixels - mean) / spread, atol=0.0051)


def test_the_statistics_are_those_of_the_split(app, html):
    test = app(view="statistics", split="test")
    images = load_sample().test.images
    assert f"{images.mean():.2f}" in text_of(test)
    assert f"{images.std():.2f}" in text_of(test)
    assert f"**{(images == 0).mean():.1%}** of the pixels are background" in text_of(test)
    assert html(test).count("<figure") == 20


def test_the_most_and_the_least_typical_of_a_digit(app, html):
    train = load_sample().train
    distances = distances_to_mean(train, statistics(train).means)
    nearest, farthest = typical_images_and_outliers(train, distances, 7, 9)
    test = app(view="typical", digit="7")
    assert numbers_shown(html(test)) == [*nearest, *farthest]
    test.pills(key="digit").set_value("all").run()
    assert len(numbers_shown(html(test))) == 20


def test_a_digit_with_too_few_images_has_no_typical_one(app, monkeypatch):
    everything = load_sample()
    keep = everything.train.labels != 7
    without = Split(everything.train.images[keep], everything.train.labels[keep])
    monkeypatch.setattr("ui.resources.load_sample", lambda reason: replace(everything, train=without))
    test = app(view="typical", digit="7")
    assert "too few images of 7" in test.info[0].value
    test.pills(key="digit").set_value("all").run()
    assert not test.exception


def test_the_map_rings_the_image_asked_for(app, html):
    test = app(view="map", index="12")
    assert len(test.get("vega_lite_chart")) == 1
    assert "left to right" in text_of(test)
    assert numbers_shown(html(test)) == [12]
    button(test, "Show pixel values").click().run()
    assert test.query_params["view"] == "image"
    assert numbers_shown(html(test)) == [12]
    assert "only images 0 to 1,499" in text_of(app(view="map", index="5000"))


@pytest.fixture
def slow_map(monkeypatch):
    """t-SNE that stands still at 40% until told to go on."""
    go_on = threading.Event()

    def embed(images):
        corner = np.zeros((len(images), 2), np.float32)
        yield 0.4, corner
        go_on.wait(20)
        yield 1.0, corner + np.arange(len(images))[:, None]

    monkeypatch.setattr("ui.explore.image_map.tsne", embed)
    yield go_on
    go_on.set()


def test_tsne_is_made_on_demand_with_progress_and_is_there_for_the_next_visitor(app, slow_map):
    test = app(view="map", method="tsne")
    assert not test.get("vega_lite_chart")
    button(test, "Compute t-SNE").click().run()
    assert "40%" in test.get("progress")[0].proto.text
    other = app(view="map", method="tsne")
    assert "40%" in other.get("progress")[0].proto.text
    slow_map.set()
    wait_for_the_map()
    for visitor in (test.run(), app(view="map", method="tsne")):
        assert "Point at one" in text_of(visitor)
        assert not visitor.get("progress")


def wait_for_the_map():
    (thread,) = [found for found in threading.enumerate() if found.name == "t-SNE"] or [None]
    if thread:
        thread.join(20)


def test_stop_ends_tsne_and_it_can_be_made_again(app, slow_map):
    test = app(view="map", method="tsne")
    button(test, "Compute t-SNE").click().run()
    button(test, "Stop").click().run()
    assert not test.get("progress")
    slow_map.set()
    wait_for_the_map()
    assert not test.run().get("vega_lite_chart")
    button(test, "Compute t-SNE").click().run()
    wait_for_the_map()
    assert "Point at one" in text_of(test.run())


def test_the_offline_sample_has_no_doubtful_labels_and_says_why(app, html):
    test = app(view="doubtful")
    assert "offline sample is in use" in test.info[0].value
    assert "<figure" not in html(test)


@pytest.fixture
def like_mnist(monkeypatch):
    """A test set as long as MNIST's, of the sample's images."""
    everything = load_sample()
    test = Split(np.resize(everything.test.images, (10_000, 28, 28)), np.zeros(10_000, np.uint8))
    monkeypatch.setattr(
        "ui.resources.load_sample", lambda reason: replace(everything, test=test, source="mnist")
    )


def test_the_doubtful_labels_are_shown_with_the_votes(app, html, like_mnist):
    test = app(view="doubtful")
    page = html(test)
    assert page.count("<figure") == len(LABEL_ERRORS)
    votes = re.sub("</?span[^>]*>", "", page)
    assert "Label <b>8</b> &nbsp;no. 947<br>0 say 8, 5 say 9<" in votes
    assert "Label <b>6</b> &nbsp;no. 2,654<br>0 say 6, 2 say 1, 3 neither<" in votes
    test.selectbox(key="of_doubtful").select("no. 947").run()
    assert [test.query_params[key] for key in ("view", "index", "split")] == ["image", "947", "test"]


def test_the_pretrained_model_reads_the_doubtful_images_when_asked(app, html, like_mnist):
    test = app(view="doubtful")
    assert "Model:" not in html(test)
    test.toggle[0].set_value(True).run()
    readings = re.findall(r"Label <b>(\d)</b>.*?Model: [^<]*<b>(\d)</b>", html(test))
    assert len(readings) == len(LABEL_ERRORS)
    others = sum(label != read for label, read in readings)
    assert f"differs from the label for **{others}** of these 15" in text_of(test)
