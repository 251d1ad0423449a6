"""Helpers of the tests of the Compare page."""


def text_of(test):
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error, *test.text]
    return "\n".join(element.value for element in elements).replace("\\", "")


def runs(*ids):
    return ",".join(ids)
