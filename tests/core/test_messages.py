import pytest

from mnist_core.messages import N_, InputError, Message


def test_a_message_is_its_template_filled_in():
    assert str(Message("{count} of {all:,} images", {"count": 3, "all": 60_000})) == "3 of 60,000 images"
    assert str(Message("Plain.")) == "Plain."


def test_a_message_can_be_a_value_of_another():
    inner = Message("{what} is missing", {"what": "the file"})
    assert str(Message("No images: {why}.", {"why": inner})) == "No images: the file is missing."


def test_braces_in_values_stay_as_they_are():
    assert str(InputError("{name!r} is unknown.", name="{x}")) == "'{x}' is unknown."


def test_an_input_error_keeps_template_and_values_for_the_translator():
    with pytest.raises(ValueError, match=r"^rate can't be 7\.$") as caught:
        raise InputError(N_("{name} can't be {value}."), name="rate", value=7)
    assert caught.value.message == Message("{name} can't be {value}.", {"name": "rate", "value": 7})
