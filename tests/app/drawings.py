"""Drawings on the Draw page's canvas, as its component sends them, and pictures as files."""

import io

from PIL import Image


def path(*commands, **placed):
    """A stroke of Fabric.js: commands such as ("M", x, y), and where it was moved and turned to."""
    return {"type": "Path", "path": [list(command) for command in commands], **placed}


ANSWER = r"(Prediction|Not sure): ([0-9])"  # of a digit, with the most likely one
STROKE = path(("M", 60, 60), ("L", 200, 60), ("L", 120, 230))


def shifted(right):
    """A narrow 7, so far to the right."""
    return path(("M", 20 + right, 60), ("L", 60 + right, 60), ("L", 30 + right, 230))


def drawn(app, run, *objects, **query):
    """The page with a drawing on its canvas, as it is after a page switch."""
    test = app("explore", run=run, **query)
    test.session_state["drawing"] = {"version": "7", "objects": list(objects)}
    return test.switch_page("pages/draw.py").run()


def button(test, label):
    return next(button for button in test.button if button.label == label)


def as_png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
