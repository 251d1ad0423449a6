"""Synthetic digits: their looks, their repeatability, and that networks learn from them."""

from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from scipy import ndimage

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.synthetic import generator
from mnist_core.synthetic.generator import (
    POINTS_PER_SEGMENT,
    generate_digits,
    sample_strokes,
)
from mnist_core.synthetic.glyphs import ANY_ANGLE, DIGIT_GLYPHS, Glyph
from mnist_core.synthetic.non_digit_glyphs import (
    CHINESE_GLYPHS,
    GREEK_GLYPHS,
    LETTER_GLYPHS,
    OTHER_HANDS,
    SHAPE_GLYPHS,
)
from mnist_core.synthetic.non_digits import NON_DIGITS, TRAINED_KINDS, generate_non_digits, scribble
from mnist_core.synthetic.scan_quality import scan_strokes
from mnist_core.training.events import Started
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(16,), train_size=200, epochs=1, batch_size=50)
OTHERS = LETTER_GLYPHS, GREEK_GLYPHS, CHINESE_GLYPHS, SHAPE_GLYPHS, OTHER_HANDS
FORMS = [form for forms in chain(*(kind.values() for kind in (DIGIT_GLYPHS, *OTHERS))) for form in forms]


def written(form: Glyph, seed: int = 0, count: int = 5):
    return sample_strokes(form, count, np.random.default_rng(seed))


def test_digits_are_like_mnist():
    split = generate_digits(300, 0)
    assert split.images.shape == (300, 28, 28)
    assert split.images.dtype == split.labels.dtype == np.uint8
    assert np.bincount(split.labels).tolist() == [30] * 10
    assert (split.labels[:10] != np.arange(10)).any()
    for image in split.images:
        assert image.max() == 255
        assert max(np.ptp(axis) + 1 for axis in image.nonzero()) == 20
        assert (np.abs(np.array(ndimage.center_of_mass(image)) - 14) < 0.51).all()
    assert 80 < (split.images > 127).sum((1, 2)).mean() < 125  # MNIST's have 97 such pixels on average


def test_a_seed_repeats_them_and_another_does_not():
    first, again, other = (generate_digits(40, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.images, other.images)
    np.testing.assert_array_equal(generate_non_digits(9, 3), generate_non_digits(9, 3))


def test_no_two_are_alike():
    assert len(np.unique(generate_digits(150, 0).images, axis=0)) == 150
    assert len(np.unique(generate_non_digits(100, 0), axis=0)) == 100


def test_all_forms_of_digits_are_written_alike_in_turn(monkeypatch):
    asked = []
    monkeypatch.setattr(generator, "render_glyphs", lambda choices, _random: asked.extend(choices))
    forms = [form for glyphs in DIGIT_GLYPHS.values() for form in glyphs]
    generator.generate_all_forms(2 * len(forms) + 1, 0)
    assert asked == [(form,) for form in [*forms, *forms, forms[0]]]


def test_every_form_is_written_about_as_high_as_its_sheet():
    for form in FORMS:
        for strokes in written(form, count=3):
            assert len(strokes) == len(form.strokes), form
            assert all(stroke.shape[1] == 2 and len(stroke) > 1 for stroke in strokes), form
            extent = np.ptp(np.concatenate(strokes), axis=0)
            assert 30 < extent.max() < 200, form


def test_corners_stay_corners_and_curves_are_smooth():
    def sharpest_turn(stroke: str) -> float:
        (points,) = written(Glyph(1, (stroke,)), count=1)[0]
        steps = np.diff(points, axis=0)
        angles = np.unwrap(np.arctan2(*steps.T))
        return float(np.degrees(np.abs(np.diff(angles)).max()))

    assert sharpest_turn("0,0 50,0! 20,100") > 70
    assert sharpest_turn("0,0 50,0 20,100") < 60


def test_a_point_with_a_range_lies_anywhere_in_it():
    starts = np.array([strokes[0][0] for strokes in written(Glyph(1, ("0,0~300,0 0,100",)), count=200)])
    assert np.ptp(starts[:, 0]) > 180


def test_the_ones_and_sevens_are_those_of_the_world():
    strokes = {digit: [form.strokes for form in forms] for digit, forms in DIGIT_GLYPHS.items()}
    assert any(len(form) == 2 and "," in form[1] for form in strokes[7])  # crossed
    assert any(len(form) == 1 and "!" in form[0] for form in strokes[1])  # with an upstroke
    assert {len(form) for form in strokes[4]} == {1, 2}  # closed and open
    assert set(DIGIT_GLYPHS) == set(range(10))


def rises(form: Glyph, top: int, count: int = 200):
    """By how many degrees the pen rises from its first point to the form's point number `top`."""
    ends = np.array(
        [strokes[0][POINTS_PER_SEGMENT * top] - strokes[0][0] for strokes in written(form, count=count)]
    )
    return np.degrees(np.arctan2(-ends[:, 1], ends[:, 0]))


def test_a_glyph_outside_its_angle_range_is_drawn_again():
    course = "0,30 30,0! 30,100"
    assert np.ptp(rises(Glyph(1, (course,)), 1)) > 20
    kept = rises(Glyph(1, (course,), angle_range=(40, 50)), 1)
    assert 40 <= kept.min() < 42
    assert 48 < kept.max() <= 50


def test_a_one_with_an_upstroke_is_no_seven():
    ones, sevens = (
        [form for form in DIGIT_GLYPHS[digit] if form.angle_range != ANY_ANGLE] for digit in (1, 7)
    )
    assert sum(form.weight for form in ones) / sum(form.weight for form in DIGIT_GLYPHS[1]) > 0.8
    assert all(len(form.strokes) == 1 for form in sevens)  # a crossed one is a 7 however it is turned
    assert {form for form in DIGIT_GLYPHS[7] if len(form.strokes) == 1} == set(sevens)
    assert rises(sevens[0], 1).max() < 15 < rises(ones[0], 1).min()


def test_non_digits_are_of_all_kinds_in_turn():
    images = generate_non_digits(2 * len(TRAINED_KINDS), 0)
    assert images.shape == (2 * len(TRAINED_KINDS), 28, 28)
    assert (images.max((1, 2)) == 255).all()
    letters = generate_non_digits(2, 0, ("letters",))
    np.testing.assert_array_equal(images[:: len(TRAINED_KINDS)], letters)
    assert len(scribble(np.random.default_rng(0))) >= 40


def test_other_hands_are_kept_for_measuring():
    trained = {form for glyphs in OTHERS[:-1] for forms in glyphs.values() for form in forms}
    measured = {form for forms in OTHER_HANDS.values() for form in forms}
    assert not trained & measured
    assert set(NON_DIGITS) - set(TRAINED_KINDS) == {"other hands"}


def test_scanned_strokes_have_the_frame_of_mnist_and_uneven_ink():
    random = np.random.default_rng(0)
    scans = [scan_strokes([np.array([[0, 0], [0, 100.0]])], 2.0, random) for _ in range(30)]
    for scan in scans:
        assert scan.dtype == np.uint8
        assert scan.max() == 255
        assert abs(ndimage.center_of_mass(scan)[0] - 14) < 1
        assert np.ptp(np.flatnonzero(scan.any(axis=1))) == 19
    darkness = [np.median(scan[scan > 0]) for scan in scans]
    assert np.ptp(darkness) > 50  # blurred, pale, thresholded


def test_a_training_learns_from_them_too(sample):
    config = replace(CONFIG, written_share=0.25)
    events = list(fit(build_model(config), config, sample.train[: config.train_size], sample.test))
    assert isinstance(events[0], Started)
    assert events[0].train_images == 250
    first, again = (trained(config, sample) for _ in range(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, trained(CONFIG, sample))


def trained(config, sample):
    model = build_model(config)
    list(fit(model, config, sample.train[: config.train_size], sample.test))
    return predict_logits(model, torch.from_numpy(sample.test.images[:20]))


def test_a_training_on_them_alone_reads_them():
    train, test = generate_digits(500, 0), generate_digits(150, 1)
    config = TrainConfig(
        architecture="fast_cnn",
        channels=(8, 16, 32),
        widths=(),
        batch_norm=True,
        learning_rate=0.01,
        batch_size=25,
        epochs=6,
        schedule="one_cycle",
    )
    model = build_model(config)
    *_, last = fit(model, config, train, test)
    assert last.monitor_accuracy > 0.85
