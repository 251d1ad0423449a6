"""Maps of images: each image a point in the plane, like images near each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPONENTS = 50  # that t-SNE works on: fewer numbers per image, and most of what differs
PERPLEXITY = 30  # about how many neighbours count, the usual choice
FAR_STEPS, NEAR_STEPS = 250, 500  # openTSNE's own numbers: first groups are pulled apart, then settle
EXAGGERATION = 12.0
STEPS_AT_ONCE = 25
INITIAL_SPREAD = 1e-4  # of the positions that t-SNE starts from


@dataclass(frozen=True, eq=False)
class Projection:
    """Images as coordinates [N, K] along K principal components, and the share of variance of each [K]."""

    coordinates: NDArray[np.float32]
    shares: NDArray[np.float64]


def principal_components(images: NDArray[np.uint8], components: int) -> Projection:
    """Project images uint8 [N, H, W] on the directions in which they differ most (PCA), pixels as 0 to 1.

    A component's sign is arbitrary: its largest weight is made positive, so that the map is always the same.
    """
    pixels = images.reshape(len(images), -1).astype(np.float64) / 255
    centred = pixels - pixels.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # the smallest first
    directions = directions[:, ::-1][:, :components]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(directions.shape[1])])
    shares = variances[::-1][:components].clip(0) / max(variances.sum(), np.finfo(float).tiny)
    return Projection((centred @ directions).astype(np.float32), shares)


def feature_components(features: NDArray[np.float32], components: int) -> Projection:
    """Project vectors [N, F] on the directions in which they differ most (PCA); F may be large.

    N. Halko, P. Martinsson and J. Tropp, "Finding structure with randomness" (SIAM Review 53, 2011), as
    scikit-learn does it, always from the same seed. Components that there aren't are 0.
    """
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    centred = features - features.mean(axis=0)
    found = min(components, *centred.shape)
    with threadpool_limits(1, user_api="blas"):  # beside a training, a second thread made it ten times slower
        left, values, _ = randomized_svd(centred, found, n_iter=5, random_state=0)
    coordinates = np.zeros((len(features), components), np.float32)
    coordinates[:, :found] = left * values
    shares = np.zeros(components)
    total = float((centred.astype(np.float64) ** 2).sum())
    shares[:found] = values.astype(np.float64) ** 2 / max(total, np.finfo(float).tiny)
    return Projection(coordinates, shares)


def aligned_to(coordinates: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points [N, K] turned, and mirrored where that helps, to lie as near as can be to `other` [N, K].

    So that maps of the same images can be looked at one after the other. P. Schönemann, "A generalized
    solution of the orthogonal Procrustes problem" (Psychometrika 31, 1966).
    """
    left, _, right = np.linalg.svd(coordinates.T.astype(np.float64) @ other)
    turned: NDArray[np.float32] = (coordinates @ (left @ right)).astype(np.float32)
    return turned


def tsne(images: NDArray[np.uint8], threads: int = 1) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield how far a t-SNE map of images uint8 [N, H, W] is, 0 to 1, and the positions [N, 2] so far.

    See tsne_of_points.
    """
    yield from tsne_of_points(principal_components(images, COMPONENTS).coordinates, threads)


def tsne_of_points(
    points: NDArray[np.float32], threads: int = 1
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield how far a t-SNE map of points [N, K] is, 0 to 1, and the positions [N, 2] so far.

    N is at least 4, and the points are principal components. The caller stops by leaving. It starts from the
    first two and draws nothing by chance: the same points and threads give the same map. L. van
    der Maaten and G. Hinton, "Visualizing Data using t-SNE" (JMLR 9, 2008), as openTSNE does it (P. Poličar,
    M. Stražar and B. Zupan, JSS 109, 2024).
    """
    from openTSNE import TSNE  # takes a second

    spread = max(float(points[:, 0].std()), float(np.finfo(np.float32).tiny))
    start = points[:, :2] / spread * INITIAL_SPREAD
    # A perplexity of P looks at 3 P neighbours, and a small sample hasn't so many.
    perplexity = min(PERPLEXITY, (len(points) - 1) // 3)
    settings = TSNE(perplexity=perplexity, neighbors="exact", n_jobs=threads, random_state=0)
    embedding = settings.prepare_initial(points, initialization=start)
    for done in range(0, FAR_STEPS + NEAR_STEPS, STEPS_AT_ONCE):
        yield done / (FAR_STEPS + NEAR_STEPS), _positions(embedding)
        exaggeration = EXAGGERATION if done < FAR_STEPS else 1.0
        embedding.optimize(STEPS_AT_ONCE, exaggeration=exaggeration, momentum=0.8, inplace=True)
    yield 1.0, _positions(embedding)


def _positions(embedding: object) -> NDArray[np.float32]:
    """Copy the positions out of openTSNE's array, which the next steps change."""
    return np.array(embedding, np.float32)
