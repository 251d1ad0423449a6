import numpy as np

from ui.evaluate.confusion_matrix import MatrixWords, confusion_figure

WORDS = MatrixWords("true", "read", "%{y} as %{x}")


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
