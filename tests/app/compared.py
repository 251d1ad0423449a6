"""What the tests of the Compare page say and read."""


def text_of(test):
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error, *test.text]
    return "\n".join(element.value for element in elements).replace("\\", "")


def runs(*ids):
    return ",".join(ids)
