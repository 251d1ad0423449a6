import subprocess
import sys

import numpy as np

from tests.browser.server import ROOT
from ui.evaluate.confusion_matrix import MatrixWords, confusion_figure

WORDS = MatrixWords("true", "read", "%{y} as %{x}")
WHILE_PANDAS_IS_IMPORTED = """
import sys, threading
import numpy as np
import plotly.graph_objects
from ui.evaluate.confusion_matrix import MatrixWords, confusion_figure
threading.Thread(target=__import__, args=("pandas",)).start()
while "pandas" not in sys.modules:
    pass
confusion_figure(np.eye(10, dtype=int), MatrixWords("true", "read", ""))
"""


def test_the_heatmap_shows_counts_and_leaves_zeros_empty():
    matrix = np.diag(np.full(10, 100))
    matrix[4, 9] = 1
    heatmap, squares = confusion_figure(matrix, WORDS).data
    assert heatmap.text[4][9] == "1"
    assert heatmap.text[0][1] == ""
    assert heatmap.z[4][9] > 0.1 * heatmap.z[0][0]
    assert len({*zip(squares.x, squares.y, strict=True)}) == 100
    assert squares.customdata[list(zip(squares.y, squares.x, strict=True)).index((4, 9))] == 1


def test_the_heatmap_shows_shares_and_can_leave_out_what_is_right():
    matrix = np.diag(np.full(10, 99))
    matrix[4, 9] = 1
    rows, _ = confusion_figure(matrix, WORDS, "rows").data
    assert (rows.text[4][9], rows.text[4][4], rows.text[9][9]) == ("1.0", "99.0", "100.0")
    columns, _ = confusion_figure(matrix, WORDS, "columns").data
    assert (columns.text[4][9], columns.text[4][4], columns.text[9][9]) == ("1.0", "100.0", "99.0")
    errors, _ = confusion_figure(matrix, WORDS, "rows", diagonal=False).data
    assert (errors.text[4][4], errors.text[4][9]) == ("", "1.0")


def test_a_digit_that_is_not_there_has_no_share():
    rows, _ = confusion_figure(np.zeros((10, 10), int), WORDS, "rows").data
    assert np.isfinite(np.array(rows.z, float)).all()


def test_the_heatmap_waits_for_another_threads_import_of_pandas():
    """The server imports it in the background once the first page is shown."""
    subprocess.run([sys.executable, "-c", WHILE_PANDAS_IS_IMPORTED], cwd=ROOT, check=True)
