"""Images of MNIST's test set whose labels people doubt.

C. Northcutt, A. Athalye and J. Mueller, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
Benchmarks" (NeurIPS 2021, Datasets and Benchmarks). They let networks name the test labels that look wrong
and showed each such image to five people, who chose between the label, the networks' guess, and neither. Here
are all 15 of MNIST for which fewer than three of the five chose the label; the votes are those that the
authors published (github.com/cleanlab/label-errors, mturk/mnist_mturk.json).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DoubtfulLabel:
    """An image's place in the test set, its label, the networks' guess, and the votes of five people."""

    index: int
    label: int
    guess: int
    for_label: int
    for_guess: int
    for_neither: int


DOUBTFUL_LABELS = (
    DoubtfulLabel(947, 8, 9, 0, 5, 0),
    DoubtfulLabel(1621, 0, 6, 2, 3, 0),
    DoubtfulLabel(1901, 9, 4, 2, 3, 0),
    DoubtfulLabel(2130, 4, 9, 2, 2, 1),
    DoubtfulLabel(2462, 2, 0, 0, 4, 1),
    DoubtfulLabel(2597, 5, 3, 0, 4, 1),
    DoubtfulLabel(2654, 6, 1, 0, 2, 3),
    DoubtfulLabel(3520, 6, 4, 2, 0, 3),
    DoubtfulLabel(3558, 5, 0, 1, 4, 0),
    DoubtfulLabel(5937, 5, 3, 1, 3, 1),
    DoubtfulLabel(6651, 0, 6, 0, 5, 0),
    DoubtfulLabel(6783, 1, 6, 2, 3, 0),
    DoubtfulLabel(8527, 4, 9, 2, 2, 1),
    DoubtfulLabel(9679, 6, 3, 2, 0, 3),
    DoubtfulLabel(9729, 5, 6, 2, 3, 0),
)
