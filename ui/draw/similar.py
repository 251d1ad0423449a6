"""Similar images: the training images that the network takes for most like the digit."""

from ui.draw.writing import Reading
from ui.similar import NEIGHBOURS, show_similar


def show(reading: Reading, place: int) -> None:
    """Show the section."""
    show_similar(reading.run, reading.digits[place].prediction.image, columns=NEIGHBOURS)
