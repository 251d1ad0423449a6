"""The 15 likely label errors of MNIST's test set.

C. Northcutt, A. Athalye and J. Mueller, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
Benchmarks" (NeurIPS 2021, Datasets and Benchmarks). The authors found suspicious labels with networks and
showed each image to five people, who chose the label, the networks' prediction, or neither. The images here
are those of MNIST whose label got fewer than three of the five votes, as published by the authors
(github.com/cleanlab/label-errors, mturk/mnist_mturk.json).
"""

from dataclasses import dataclass

from mnist_core.data.mnist import ImageReference


@dataclass(frozen=True)
class LabelError:
    """A test image's number, its label, the networks' prediction (`guess`), and the five votes."""

    number: int
    label: int
    guess: int
    for_label: int
    for_guess: int
    for_neither: int

    @property
    def image(self) -> ImageReference:
        """The image that the label belongs to."""
        return ImageReference("test", self.number)


LABEL_ERRORS = (
    LabelError(947, 8, 9, 0, 5, 0),
    LabelError(1621, 0, 6, 2, 3, 0),
    LabelError(1901, 9, 4, 2, 3, 0),
    LabelError(2130, 4, 9, 2, 2, 1),
    LabelError(2462, 2, 0, 0, 4, 1),
    LabelError(2597, 5, 3, 0, 4, 1),
    LabelError(2654, 6, 1, 0, 2, 3),
    LabelError(3520, 6, 4, 2, 0, 3),
    LabelError(3558, 5, 0, 1, 4, 0),
    LabelError(5937, 5, 3, 1, 3, 1),
    LabelError(6651, 0, 6, 0, 5, 0),
    LabelError(6783, 1, 6, 2, 3, 0),
    LabelError(8527, 4, 9, 2, 2, 1),
    LabelError(9679, 6, 3, 2, 0, 3),
    LabelError(9729, 5, 6, 2, 3, 0),
)
