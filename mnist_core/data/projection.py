"""Projections of images and features to a few dimensions: PCA, t-SNE and their alignment."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPONENTS = 50  # principal components that t-SNE takes as input
PERPLEXITY = 30  # openTSNE's default
EARLY_STEPS, LATE_STEPS = 250, 500  # openTSNE's defaults, with and without early exaggeration
EXAGGERATION = 12.0
STEPS_PER_REPORT = 25
INITIAL_STD = 1e-4  # standard deviation of the initial positions along x


@dataclass(frozen=True, eq=False)
class Projection:
    """Coordinates [N, K] along K principal components, and each component's share of the variance [K]."""

    coordinates: NDArray[np.float32]
    shares: NDArray[np.float64]


def principal_components(images: NDArray[np.uint8], components: int) -> Projection:
    """Project images uint8 [N, H, W], scaled to 0..1, onto their first principal components (exact PCA).

    A component's sign is arbitrary; its largest weight is made positive, so the result is reproducible.
    """
    pixels = images.reshape(len(images), -1).astype(np.float64) / 255
    centred = pixels - pixels.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # in ascending order
    directions = directions[:, ::-1][:, :components]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(directions.shape[1])])
    shares = variances[::-1][:components].clip(0) / max(variances.sum(), np.finfo(float).tiny)
    return Projection((centred @ directions).astype(np.float32), shares)


def randomized_pca(features: NDArray[np.float32], components: int) -> Projection:
    """Project vectors [N, F] onto their first principal components (randomized PCA); F may be large.

    N. Halko, P. Martinsson and J. Tropp, "Finding structure with randomness" (SIAM Review 53, 2011), by
    scikit-learn with a fixed seed. Components beyond min(N, F) are 0.
    """
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    centred = features - features.mean(axis=0)
    found = min(components, *centred.shape)
    with threadpool_limits(1, user_api="blas"):  # a second thread is 10 times slower while a model trains
        left, values, _ = randomized_svd(centred, found, n_iter=5, random_state=0)
    coordinates = np.zeros((len(features), components), np.float32)
    coordinates[:, :found] = left * values
    shares = np.zeros(components)
    total = float((centred.astype(np.float64) ** 2).sum())
    shares[:found] = values.astype(np.float64) ** 2 / max(total, np.finfo(float).tiny)
    return Projection(coordinates, shares)


def procrustes_aligned(coordinates: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rotate or reflect points [N, K] to minimise the squared distances to `other` [N, K].

    Successive maps of the same images then differ as little as possible. P. Schönemann, "A generalized
    solution of the orthogonal Procrustes problem" (Psychometrika 31, 1966).
    """
    left, _, right = np.linalg.svd(coordinates.T.astype(np.float64) @ other)
    aligned: NDArray[np.float32] = (coordinates @ (left @ right)).astype(np.float32)
    return aligned


def tsne(images: NDArray[np.uint8], threads: int = 1) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Run t-SNE on the principal components of images uint8 [N, H, W]; see `tsne_of_points`."""
    yield from tsne_of_points(principal_components(images, COMPONENTS).coordinates, threads)


def tsne_of_points(
    points: NDArray[np.float32], threads: int = 1
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Run t-SNE on points [N, K]; yield the fraction done, 0 to 1, and the positions [N, 2] so far.

    `points` are principal components, N is at least 4. The caller stops by leaving the loop. The initial
    positions are the first two components and nothing is random: the same points and number of threads give
    the same map. L. van der Maaten and G. Hinton, "Visualizing Data using t-SNE" (JMLR 9, 2008), by openTSNE
    (P. Poličar, M. Stražar and B. Zupan, JSS 109, 2024).
    """
    from openTSNE import TSNE  # the import takes about 1 s

    std = max(float(points[:, 0].std()), float(np.finfo(np.float32).tiny))
    start = points[:, :2] / std * INITIAL_STD
    # A perplexity of P needs 3 P neighbours; a small sample has fewer.
    perplexity = min(PERPLEXITY, (len(points) - 1) // 3)
    settings = TSNE(perplexity=perplexity, neighbors="exact", n_jobs=threads, random_state=0)
    embedding = settings.prepare_initial(points, initialization=start)
    for done in range(0, EARLY_STEPS + LATE_STEPS, STEPS_PER_REPORT):
        yield done / (EARLY_STEPS + LATE_STEPS), _positions(embedding)
        exaggeration = EXAGGERATION if done < EARLY_STEPS else 1.0
        embedding.optimize(STEPS_PER_REPORT, exaggeration=exaggeration, momentum=0.8, inplace=True)
    yield 1.0, _positions(embedding)


def _positions(embedding: object) -> NDArray[np.float32]:
    """Copy the positions: openTSNE changes its array in place."""
    return np.array(embedding, np.float32)
