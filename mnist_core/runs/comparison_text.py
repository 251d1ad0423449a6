"""The interpretation of a comparison's figures, as messages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mnist_core.evaluation.significance import LEVEL, Interval, MeanDifference, difference_interval
from mnist_core.messages import N_, Message, Words

CHINESE = re.compile("[\u3000-\u9fff]")  # and the Chinese comma
FINEST = 10_000  # chance is told as times in 10, 100, 1,000 or at most this many
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
SMALLEST_P = 1 / FINEST  # below, a p says more of the test's assumptions than of the difference


def quoted(name: str) -> str:
    """Return a name for a sentence: one with commas or Chinese characters in quotation marks."""
    return f"“{name}”" if "," in name or CHINESE.search(name) else name


def chance_text(p: float) -> Message:
    """Return a probability as a frequency: "about 3 times in 10"."""
    if p > 0.95:
        return Message(N_("nearly every time"))
    if p < SMALLEST_P:
        return Message(N_("less than once in {of:,} times"), {"of": FINEST})
    of = next(of for of in (10, 100, 1000, FINEST) if p * of >= 0.95)
    if (times := round(p * of)) == 1:
        return Message(N_("about once in {of:,} times"), {"of": of})
    return Message(N_("about {times} times in {of:,}"), {"times": times, "of": of})


def p_figure(p: float) -> str:
    """Format a p-value with two digits: 0.039; values below 0.0001 as "< 0.0001", never as 0."""
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.2g}"


def p_text(p: float) -> str:
    """Format a p-value with its symbol, p = 0.039, and spaces at which no line breaks."""
    return (f"p {p_figure(p)}" if p < SMALLEST_P else f"p = {p_figure(p)}").replace(" ", NO_BREAK_SPACE)


def pair_text(names: tuple[str, str], alone: tuple[int, int], images: int, p: float) -> list[Message]:
    """Say how many of the same images only one of two networks got right, and McNemar's p for that."""
    called = {"first": quoted(names[0]), "second": quoted(names[1])}
    if alone == (0, 0):
        return [Message(N_("{first} and {second} classify the same test images correctly."), called)]
    counts = {"images": images, "b": alone[0], "c": alone[1]}
    return [
        Message(
            N_(
                "Of {images:,} test images, only {first} classifies {b:,} correctly, and only {second} {c:,}."
            ),
            {**called, **counts},
        ),
        _difference_text(called, alone, images),
        Message(
            N_(
                "If both were equally accurate on images like these, a difference at least this large, "
                "either way, would come up by chance {chance} (McNemar's exact test, {p})."
            ),
            {"chance": chance_text(p), "p": p_text(p)},
        ),
    ]


def _difference_text(called: dict[str, str], alone: tuple[int, int], images: int) -> Message:
    low, high = difference_interval(*alone, images)
    points = {"difference": (alone[0] - alone[1]) / images, "low": low, "high": high}
    return Message(
        N_(
            "The accuracy of {first} minus that of {second} is {difference:+.2f} percentage "
            "points (95% confidence interval {low:+.2f} to {high:+.2f})."
        ),
        called | {name: 100 * value for name, value in points.items()},
    )


def holm_text(p: float, pairs: int) -> Message:
    """Say what p is after correction for `pairs` tested pairs."""
    return Message(
        N_("Corrected for the {pairs} pairs compared here (Holm): {p}."),
        {"p": p_text(p), "pairs": pairs},
    )


def pair_verdict(better: str, worse: str, p: float) -> Message:
    """Say what follows for two networks from McNemar's p, corrected if several pairs were tested."""
    if p >= LEVEL:
        return undecided()
    return Message(
        N_(
            "That is below the usual 5%: evidence that {better}, as trained, is more accurate on "
            "images like these than {worse}."
        ),
        {"better": quoted(better), "worse": quoted(worse)},
    )


def undecided() -> Message:
    """Return the message for a p-value that isn't significant."""
    return Message(
        N_("That is not below the usual 5%: it shows neither which is better nor that they are equally good.")
    )


def same_settings() -> Message:
    """Return the message about networks with equal settings, which differ only by their seed."""
    return Message(
        N_("Their settings differ in the seed only: the difference comes from the randomness of training.")
    )


def notes(watchers: Sequence[str]) -> list[Message]:
    """State the limits of the intervals and tests; `watchers` are the runs that monitored the test set."""
    networks = Message(
        N_(
            "The intervals and tests are about these trained networks on other test images. "
            "Another seed gives another network: to compare settings, repeat them with several "
            "seeds. The tests treat the images as independent; as each person wrote several of "
            "them, the real uncertainty is somewhat larger."
        )
    )
    if not watchers:
        return [networks]
    watched = Message(
        N_(
            "The test set was monitored during training: {names}. Where it was used to choose "
            "settings or when to stop, these accuracies are slightly too good."
        ),
        {"names": Words(map(quoted, watchers))},
    )
    return [networks, watched]


def seeds_text(accuracies: Sequence[float], mean: float, deviation: float, interval: Interval) -> Message:
    """Summarise the accuracies, 0 to 1, of several seeds in a sentence."""
    values = {"lowest": min(accuracies), "highest": max(accuracies), "low": interval[0], "high": interval[1]}
    return Message(
        N_(
            "{count} seeds: mean {mean:.2%}, standard deviation {deviation:.2%}, from "
            "{lowest:.2%} to {highest:.2%}; 95% confidence interval (Student's t) of the mean "
            "over all seeds, on the same images, {low:.2%} to {high:.2%}."
        ),
        {"count": len(accuracies), "mean": mean, "deviation": deviation, **values},
    )


def one_seed_text(accuracy: float) -> Message:
    """Say that a single seed shows no spread."""
    return Message(N_("One seed, {mean:.2%}: one seed does not show the variance."), {"mean": accuracy})


def means_text(
    names: tuple[str, str], test: MeanDifference, p_holm: float | None = None, pairs: int = 1
) -> list[Message]:
    """Say what follows, and what doesn't, from Welch's test of two groups of seeds.

    `p_holm` is its p as corrected for `pairs` pairs of groups.
    """
    called = {"first": quoted(names[0]), "second": quoted(names[1]), "difference": 100 * test.difference}
    if test.interval is None or test.p is None:
        words = N_(
            "The mean of {first} minus that of {second} is {difference:+.2f} percentage points. "
            "The seeds of neither group differ, so there is no variance to test against."
        )
        return [Message(words, called)]
    low, high = (100 * end for end in test.interval)
    return [
        Message(
            N_(
                "The mean of {first} minus that of {second} is {difference:+.2f} percentage points "
                "(95% confidence interval {low:+.2f} to {high:+.2f})."
            ),
            {**called, "low": low, "high": high},
        ),
        Message(
            N_(
                "If the settings made no difference to the mean, a difference at least this large, "
                "either way, would come up by the randomness of the seeds {chance} (Welch's t-test, "
                "{p})."
            ),
            {"chance": chance_text(test.p), "p": p_text(test.p)},
        ),
        *([holm_text(p_holm, pairs)] if p_holm is not None and pairs > 1 else []),
        _means_verdict(names if test.difference >= 0 else names[::-1], test.p if p_holm is None else p_holm),
        Message(
            N_(
                "The test assumes that accuracies over seeds are roughly normal. It is about other "
                "seeds on the same images, not about other images."
            )
        ),
    ]


def _means_verdict(names: tuple[str, ...], p: float) -> Message:
    if p >= LEVEL:
        return undecided()
    return Message(
        N_(
            "That is below the usual 5%: evidence that {better} is more accurate than {worse} on "
            "these images, on average over seeds."
        ),
        {"better": quoted(names[0]), "worse": quoted(names[1])},
    )
