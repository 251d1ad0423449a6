"""Diagnostics of a training: what its own numbers say is wrong with it, and which setting to change.

Each problem is a function from a `RunHistory` to a Finding or None. The thresholds below are set so that
small trainings with the problem are found and the recipes are not (tests/core/test_doctor.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.messages import N_, Message
from mnist_core.monitoring.run_history import (
    CHANCE_LOSS,
    ENOUGH_STEPS,
    LOOKS_AGREEING,
    RunHistory,
    largest_dead_share,
)

BLOWN_UP = 2.0  # times CHANCE_LOSS: no untrained network is as wrong as that
BOUNCED = 1.5  # times the best loss so far; shuffled batches alone stay below it
FAR_BELOW = 0.1  # of the optimizer's usual rate
STILL_FALLING = 0.02  # of the loss, from the third quarter of a run to its last
OVERFIT_LOSS = 0.2  # Prechelt 1998, "Early Stopping - But When?": generalization loss, there 1 to 20 %
OVERFIT_GAP = 0.05  # of accuracy, between images learned by heart and others
BY_HEART = 0.98
VANISHED = 1e-3  # first layer's gradient against the last's; Glorot and Bengio 2010 measure the same decline
DEAD = 0.5  # of a layer's units; CS231n warns of "as much as 40%" of a network, small healthy ones have 25 %
MANY_IMAGES = 20_000


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a run.

    `evidence` has the numbers, `meaning` what they mean; `fix` are the settings to change, and `advice` says
    so, or both are None where no setting helps.
    """

    name: str
    title: Message
    evidence: Message
    meaning: Message
    fix: Mapping[str, Any] | None = None
    advice: Message | None = None


def diagnose(course: RunHistory) -> list[Finding]:
    """Return what is wrong with a run, the gravest first; nothing for a run that does well."""
    if found := find_divergence(course):
        return [found]
    looks = (
        find_vanishing_gradients,
        find_dead_units,
        find_rate_too_large,
        find_rate_too_small,
        find_overfitting,
    )
    return [finding for look in looks if (finding := look(course))]


def find_divergence(course: RunHistory) -> Finding | None:
    """The loss became no number, or several times what guessing gives."""
    recent = course.recent_loss
    if not course.diverged and not recent > BLOWN_UP * CHANCE_LOSS:
        return None
    rate = course.config.learning_rate
    if course.diverged:
        evidence = Message(N_("After step {step} the loss was no longer a number."), {"step": course.steps})
    else:
        evidence = Message(
            N_("The loss is {loss:.3g}; ten equal guesses would give {chance:.2f}."),
            {"loss": recent, "chance": CHANCE_LOSS},
        )
    return Finding(
        "diverged",
        Message(N_("Training diverged")),
        evidence,
        Message(N_("Each step overshoots and makes the next one larger, until the weights are useless.")),
        *_rate_fix(course, min(course.usual_rate, rate / 10)),
    )


def find_vanishing_gradients(course: RunHistory) -> Finding | None:
    """The first layer's gradient is a thousandth of the last one's or less, in the last three looks.

    Or it was before the first step, and nothing has been learned since: the last layer soon finds out how
    often each digit comes, and then its gradient is small as well. Gradients are taken relative to the
    weights, as layers differ in size.
    """
    ratios = course.gradient_ratios
    now = len(ratios) >= LOOKS_AGREEING and max(ratios[-LOOKS_AGREEING:]) < VANISHED
    at_first = bool(ratios) and course.learned_nothing and ratios[0] < VANISHED
    if not (now or at_first) or largest_dead_share(course.probes[-1]) >= DEAD:
        return None
    smallest = ratios[-1] if now else ratios[0]
    evidence = Message(
        N_("The first layer's gradient is {times:,.0f} times smaller than the last one's."),
        {"times": float(f"{1 / max(smallest, 1e-12):.2g}")},
    )
    return Finding(
        "vanishing",
        Message(N_("Gradients vanish")),
        evidence,
        Message(N_("Every layer on the way back shrinks the gradient, so the first layers hardly learn.")),
        *_gradient_fix(course.config),
    )


def find_dead_units(course: RunHistory) -> Finding | None:
    """In some layer half of the ReLU units or more are zero for every image looked at, in three looks."""
    if course.dead_share < DEAD:
        return None
    config = course.config
    evidence = Message(
        N_("In one layer {share} of the units are zero for every image looked at."),
        {"share": f"{course.dead_share:.0%}"},
    )
    if config.learning_rate > course.usual_rate and not config.batch_norm:
        fix, advice = _rate_fix(course, course.usual_rate)
    else:
        fix = {"activation": "leaky_relu"}
        advice = Message(N_("LeakyReLU instead of ReLU: it lets a little through below zero."))
    return Finding(
        "dead_units",
        Message(N_("Dead units")),
        evidence,
        Message(N_("A unit that is always zero has no gradient: it neither helps nor learns any more.")),
        fix,
        advice,
    )


def find_rate_too_large(course: RunHistory) -> Finding | None:
    """The loss has bounced back from its best, or at well above the usual rate stays at chance."""
    recent, best, config = course.recent_loss, course.best_loss, course.config
    bounced = recent > BOUNCED * best and recent > 0.5
    stuck = course.learned_nothing and config.learning_rate > 3 * course.usual_rate
    if course.steps < ENOUGH_STEPS or not (bounced or stuck):
        return None
    if bounced:
        template = N_("The loss had been down to {best:.3g} and is back at {loss:.3g}.")
    else:
        template = N_("After {steps:,} steps the loss is {loss:.3g}, no better than guessing ({chance:.2f}).")
    values = {"best": best, "loss": recent, "steps": course.steps, "chance": CHANCE_LOSS}
    rate = course.usual_rate if config.learning_rate > course.usual_rate else config.learning_rate / 10
    return Finding(
        "rate_too_large",
        Message(N_("The learning rate looks too large")),
        Message(template, values),
        Message(N_("Each step jumps over the valley it should go down into.")),
        *_rate_fix(course, rate),
    )


def find_rate_too_small(course: RunHistory) -> Finding | None:
    """At a tenth of the usual rate or less the loss is still at chance, or far up and falling steadily."""
    if course.config.learning_rate > FAR_BELOW * course.usual_rate or course.steps < ENOUGH_STEPS:
        return None
    quarter = max(1, len(course.losses) // 4)
    before, now = course.losses[-2 * quarter : -quarter].mean(), course.losses[-quarter:].mean()
    if not course.learned_nothing and not (now > 0.5 and now < (1 - STILL_FALLING) * before):
        return None
    evidence = Message(
        N_("After {steps:,} steps the loss has only come from {first:.2f} to {loss:.2f}."),
        {"steps": course.steps, "first": course.first_loss, "loss": course.recent_loss},
    )
    return Finding(
        "rate_too_small",
        Message(N_("The learning rate looks too small")),
        evidence,
        Message(N_("It moves in the right direction, but with steps so short that it hardly gets anywhere.")),
        *_rate_fix(course, course.usual_rate),
    )


def find_overfitting(course: RunHistory) -> Finding | None:
    """The monitored loss rose 20 % above its best two epochs ago or more, or images are learned by heart.

    By heart: at least 98 % of the training images right, and 5 points fewer of the others.
    """
    if len(course.monitor_loss) < 2:
        return None
    best = int(course.monitor_loss.argmin())
    rise = float(course.monitor_loss[-1] / max(course.monitor_loss[best], 1e-9) - 1)
    seen, unseen = float(course.train_accuracy[-1]), float(course.monitor_accuracy[-1])
    got_worse = rise >= OVERFIT_LOSS and len(course.monitor_loss) - 1 - best >= 2 and seen > unseen
    if not got_worse and not (seen >= BY_HEART and seen - unseen >= OVERFIT_GAP):
        return None
    values = {"seen": f"{seen:.1%}", "unseen": f"{unseen:.1%}", "rise": f"{rise:.0%}", "epoch": best + 1}
    if got_worse:
        template = N_(
            "It gets {seen} of the training images right, but {unseen} of the others, and their loss is "
            "{rise} above its best, that of epoch {epoch}."
        )
    else:
        template = N_("It gets {seen} of the training images right, but only {unseen} of the others.")
    return Finding(
        "overfitting",
        Message(N_("It overfits")),
        Message(template, values),
        Message(N_("It learns the training images by heart instead of what makes a digit.")),
        *_overfitting_fix(course.config, best + 1),
    )


def _rate_fix(course: RunHistory, rate: float) -> tuple[dict[str, Any], Message]:
    rate = max(float(f"{rate:.1g}"), FIELD_RANGES["learning_rate"][0])
    values = {"rate": f"{rate:.6f}".rstrip("0"), "before": f"{course.config.learning_rate:g}"}
    return {"learning_rate": rate}, Message(N_("Learning rate {rate} instead of {before}."), values)


def _gradient_fix(config: TrainConfig) -> tuple[dict[str, Any], Message]:
    if config.activation in ("sigmoid", "tanh"):
        return {"activation": "relu"}, Message(N_("ReLU, whose slope is 1 wherever a unit is active."))
    if not config.batch_norm and config.batch_size > 1:
        return {"batch_norm": True}, Message(N_("Batch norm, which rescales every layer's outputs."))
    widths = config.widths[: max(1, len(config.widths) // 2)]
    return {"widths": widths}, Message(N_("Half as many layers."))


def _overfitting_fix(config: TrainConfig, best_epoch: int) -> tuple[dict[str, Any], Message]:
    if config.train_size < MANY_IMAGES:
        return {"train_size": 60_000}, Message(
            N_("All training images instead of {count:,}."), {"count": config.train_size}
        )
    if config.augmentation == "none":
        return {"augmentation": "affine"}, Message(
            N_("Training images moved and turned a little, each time anew.")
        )
    if not config.dropout and config.widths:
        return {"dropout": 0.3}, Message(N_("Dropout of 0.3."))
    return {"epochs": best_epoch}, Message(N_("Stop after epoch {epoch}."), {"epoch": best_epoch})
