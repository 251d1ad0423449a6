"""Helpers of the tests of the Evaluate page."""


def words(test):
    return " ".join(element.value for element in (*test.markdown, *test.caption))


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()
