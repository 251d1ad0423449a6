"""Diagnostics of a training: the problems that its measurements show, and which setting to change.

Each problem is a function from a `RunHistory` to a Finding or None. The thresholds below are set so that
small trainings with the problem are found and the recipes are not: see
tests/core/monitoring/test_diagnostics.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnist_core.choices import OPTIMIZERS
from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.dataset_choices import DATASETS
from mnist_core.messages import N_, Message
from mnist_core.monitoring.run_history import (
    ENOUGH_STEPS,
    PROBES_AGREEING,
    RunHistory,
    largest_dead_share,
)

DIVERGED = 2.0  # times the loss at chance: untrained networks stay below it
REBOUNDED = 1.5  # times the best loss so far; shuffled batches alone stay below it
TOO_SMALL = 0.1  # of the optimizer's usual rate
STILL_FALLING = 0.02  # of the loss, from the third quarter of a run to its last
OVERFIT_LOSS = 0.2  # Prechelt 1998, "Early Stopping - But When?": generalization loss, there 1 to 20 %
OVERFIT_GAP = 0.05  # of accuracy, between images learned by heart and others
MEMORIZED = 0.98
VANISHED = 1e-3  # first layer's gradient against the last's; Glorot and Bengio 2010 measure the same decline
DEAD = 0.5  # of a layer's units; CS231n warns of "as much as 40%" of a network, small healthy ones have 25 %
MANY_IMAGES = 20_000
CLIPPED_NORM = 1.0


@dataclass(frozen=True)
class Finding:
    """One problem of a run.

    `evidence` gives the numbers, `meaning` explains them; `fix` are the settings to change and `advice` names
    them; both are None where no setting helps, and in a `consequence` of an earlier finding, whose fix helps
    against both.
    """

    name: str
    title: Message
    evidence: Message
    meaning: Message
    fix: Mapping[str, Any] | None = None
    advice: Message | None = None
    consequence: bool = False


def diagnose(history: RunHistory) -> list[Finding]:
    """Return a run's problems, causes before consequences; an empty list for a healthy run."""
    if found := find_divergence(history):
        return [found]
    checks = (
        find_rate_too_large,
        find_vanishing_gradients,
        find_dead_units,
        find_rate_too_small,
        find_overfitting,
    )
    findings: list[Finding] = []
    for look in checks:
        if finding := look(history):
            caused = any(finding.fix and finding.fix == earlier.fix for earlier in findings)
            findings.append(replace(finding, fix=None, advice=None, consequence=True) if caused else finding)
    return findings


def find_divergence(history: RunHistory) -> Finding | None:
    """The loss is NaN or infinite, or several times that of guessing."""
    recent = history.recent_loss
    if not history.diverged and not recent > DIVERGED * history.chance_loss:
        return None
    rate = history.config.learning_rate
    if history.diverged:
        evidence = Message(
            N_("After step {step:,} the loss was no longer a finite number."), {"step": history.steps}
        )
    else:
        evidence = Message(
            N_("The loss is {loss:.3g}; guessing at random gives {chance:.2f}."),
            {"loss": recent, "chance": history.chance_loss},
        )
    return Finding(
        "diverged",
        Message(N_("Training diverged")),
        evidence,
        Message(
            N_(
                "Each step overshoots the minimum and makes the next step larger, until the weights "
                "are useless."
            )
        ),
        *_divergence_fix(history, rate),
    )


def find_vanishing_gradients(history: RunHistory) -> Finding | None:
    """The first layer's gradient is at most a thousandth of the last one's, in the last three probes.

    Or it was so before the first step and nothing has been learned since: the last layer soon learns how
    frequent each digit is, and then its gradient is small too. Gradient norms are divided by the norms of
    the weights, as layers differ in size.
    """
    ratios = history.gradient_ratios
    now = len(ratios) >= PROBES_AGREEING and max(ratios[-PROBES_AGREEING:]) < VANISHED
    at_first = bool(ratios) and history.learned_nothing and ratios[0] < VANISHED
    if not (now or at_first) or largest_dead_share(history.probes[-1]) >= DEAD:
        return None
    smallest = ratios[-1] if now else ratios[0]
    evidence = Message(
        N_("The first layer's gradient is {times:,.0f} times smaller than the last one's."),
        {"times": float(f"{1 / max(smallest, 1e-12):.2g}")},
    )
    return Finding(
        "vanishing",
        Message(N_("Vanishing gradients")),
        evidence,
        Message(N_("Backpropagation shrinks the gradient at every layer, so the first layers hardly learn.")),
        *_gradient_fix(history.config),
    )


def find_dead_units(history: RunHistory) -> Finding | None:
    """In some layer at least half of the ReLU units are zero for every probed image, in three probes."""
    if history.dead_share < DEAD:
        return None
    config = history.config
    evidence = Message(
        N_("In one layer {share} of the units output zero for every probed image."),
        {"share": f"{history.dead_share:.0%}"},
    )
    if config.learning_rate > history.usual_rate and not config.batch_norm:
        fix, advice = _rate_fix(history, history.usual_rate)
    else:
        fix = {"activation": "leaky_relu"}
        advice = Message(N_("LeakyReLU instead of ReLU: it has a small slope below zero."))
    return Finding(
        "dead_units",
        Message(N_("Dead units")),
        evidence,
        Message(N_("A unit that always outputs zero has no gradient and no longer learns.")),
        fix,
        advice,
    )


def find_rate_too_large(history: RunHistory) -> Finding | None:
    """The loss rose again from its best, or stays at chance with a rate well above the usual one."""
    recent, best, config = history.recent_loss, history.best_loss, history.config
    bounced = recent > REBOUNDED * best and recent > 0.5
    stuck = history.learned_nothing and config.learning_rate > 3 * history.usual_rate
    if history.steps < ENOUGH_STEPS or not (bounced or stuck):
        return None
    if bounced:
        template = N_("The loss had fallen to {best:.3g} and has risen to {loss:.3g}.")
    else:
        template = N_(
            "After {steps:,} steps the loss is {loss:.3g}, no better than random guessing ({chance:.2f})."
        )
    values = {"best": best, "loss": recent, "steps": history.steps, "chance": history.chance_loss}
    rate = history.usual_rate if config.learning_rate > history.usual_rate else config.learning_rate / 10
    return Finding(
        "rate_too_large",
        Message(N_("The learning rate looks too large")),
        Message(template, values),
        Message(N_("Each step overshoots the minimum.")),
        *_rate_fix(history, rate),
    )


def find_rate_too_small(history: RunHistory) -> Finding | None:
    """At a tenth of the usual rate or less, the loss is still at chance, or high and falling steadily."""
    if history.config.learning_rate > TOO_SMALL * history.usual_rate or history.steps < ENOUGH_STEPS:
        return None
    quarter = max(1, len(history.losses) // 4)
    before, now = history.losses[-2 * quarter : -quarter].mean(), history.losses[-quarter:].mean()
    if not history.learned_nothing and not (now > 0.5 and now < (1 - STILL_FALLING) * before):
        return None
    evidence = Message(
        N_("After {steps:,} steps the loss has only fallen from {first:.2f} to {loss:.2f}."),
        {"steps": history.steps, "first": history.first_loss, "loss": history.recent_loss},
    )
    return Finding(
        "rate_too_small",
        Message(N_("The learning rate looks too small")),
        evidence,
        Message(N_("The steps go in the right direction but are too short.")),
        *_rate_fix(history, history.usual_rate),
    )


def find_overfitting(history: RunHistory) -> Finding | None:
    """The monitored loss rose 20 % above its best of at least two epochs ago, or images are memorized.

    Memorized: at least 98 % of the training images are right, and 5 points fewer of the others.
    """
    if len(history.monitor_loss) < 2:
        return None
    best = int(history.monitor_loss.argmin())
    rise = float(history.monitor_loss[-1] / max(history.monitor_loss[best], 1e-9) - 1)
    seen, unseen = float(history.train_accuracy[-1]), float(history.monitor_accuracy[-1])
    got_worse = rise >= OVERFIT_LOSS and len(history.monitor_loss) - 1 - best >= 2 and seen > unseen
    if not got_worse and not (seen >= MEMORIZED and seen - unseen >= OVERFIT_GAP):
        return None
    values = {"seen": f"{seen:.1%}", "unseen": f"{unseen:.1%}", "rise": f"{rise:.0%}", "epoch": best + 1}
    if got_worse:
        template = N_(
            "Training accuracy is {seen}, but accuracy on the monitored images is {unseen}, and "
            "their loss is {rise} above its minimum at epoch {epoch}."
        )
    else:
        template = N_("Training accuracy is {seen}, but accuracy on the monitored images is only {unseen}.")
    return Finding(
        "overfitting",
        Message(N_("Overfitting")),
        Message(template, values),
        Message(
            N_("The network memorizes the training images instead of learning features that generalize.")
        ),
        *_overfitting_fix(history.config, best + 1),
    )


def _divergence_fix(history: RunHistory, rate: float) -> tuple[dict[str, Any], Message]:
    """Return clipping if gradient descent explodes at no more than its usual rate, else a smaller rate."""
    config = history.config
    descends = OPTIMIZERS[config.optimizer].torch_class == "SGD"  # the others divide by the gradient's size
    if descends and rate <= history.usual_rate and not config.gradient_clipping:
        values = {"norm": f"{CLIPPED_NORM:g}"}
        return {"gradient_clipping": CLIPPED_NORM}, Message(
            N_("Gradient clipping: no step's gradient gets a norm above {norm}."), values
        )
    return _rate_fix(history, min(history.usual_rate, rate / 10))


def _rate_fix(history: RunHistory, rate: float) -> tuple[dict[str, Any], Message]:
    rate = max(float(f"{rate:.1g}"), FIELD_RANGES["learning_rate"][0])
    values = {"rate": f"{rate:.6f}".rstrip("0"), "before": f"{history.config.learning_rate:g}"}
    return {"learning_rate": rate}, Message(N_("Learning rate {rate} instead of {before}."), values)


def _gradient_fix(config: TrainConfig) -> tuple[dict[str, Any], Message]:
    if config.activation in ("sigmoid", "tanh"):
        return {"activation": "relu"}, Message(N_("ReLU, whose slope is 1 wherever a unit is active."))
    if not config.batch_norm and config.batch_size > 1:
        return {"batch_norm": True}, Message(N_("Batch norm, which normalizes every layer's outputs."))
    widths = config.widths[: max(1, len(config.widths) // 2)]
    return {"widths": widths}, Message(N_("Half as many layers."))


def _overfitting_fix(config: TrainConfig, best_epoch: int) -> tuple[dict[str, Any], Message]:
    if config.train_size < MANY_IMAGES:
        return {"train_size": DATASETS[config.dataset].images[0]}, Message(
            N_("All training images instead of {count:,}."), {"count": config.train_size}
        )
    if config.augmentation == "none":
        return {"augmentation": "affine"}, Message(
            N_("Augmentation: shift and rotate the training images at random.")
        )
    if not config.dropout and config.widths:
        return {"dropout": 0.3}, Message(N_("Dropout of 0.3."))
    return {"epochs": best_epoch}, Message(
        N_("Early stopping: stop after epoch {epoch}."), {"epoch": best_epoch}
    )
