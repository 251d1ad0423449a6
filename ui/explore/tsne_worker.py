"""t-SNE in the background, once for all visitors of a server."""

from collections.abc import Callable, Iterator

import numpy as np

from mnist_core.dataset.embedding import tsne
from ui.background import SharedWork

Embed = Callable[[np.ndarray], Iterator[tuple[float, np.ndarray]]]


class TsneWorker(SharedWork[np.ndarray]):
    """Makes the map of some images; `embed` yields fractions done, 0 to 1, and positions [N, 2]."""

    def __init__(self, images: np.ndarray, embed: Embed = tsne) -> None:
        super().__init__("t-SNE", lambda: embed(images))

    @property
    def positions(self) -> np.ndarray | None:
        """The latest positions, None before the first."""
        return self.latest
