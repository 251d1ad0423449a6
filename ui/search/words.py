"""A search in words: the names of its settings, values and states."""

from collections.abc import Mapping
from typing import Any

from mnist_core.messages import N_
from mnist_core.search.plan import SearchPlan
from mnist_core.search.space import DIGITS, Dimension, NumberRange
from mnist_core.search.study import Search, SearchTrial
from ui.i18n import date_text, list_text, number_text, percent_text
from ui.i18n import gettext as _
from ui.train_form.setting_labels import LABELS, value_text

OWN_LABELS = {
    "layers": N_("Hidden layers"),
    "units": N_("Units per layer"),
    "channel_factor": N_("Channels, times"),
    "rate_factor": N_("Learning rate factor"),
}


def label(name: str) -> str:
    """Return the name of a dimension."""
    return _(OWN_LABELS.get(name) or LABELS[name])


def setting_value_text(name: str, value: Any) -> str:
    """Return a dimension's value as the Train form shows it, a fraction with three digits."""
    rounded = float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
    if isinstance(rounded, float) and rounded.is_integer():
        rounded = int(rounded)
    return number_text(rounded) if name in OWN_LABELS else value_text(name, rounded)


def values_text(values: Mapping[str, Any]) -> str:
    """Return the values of a trial: "learning rate 0.19, batch size 8"."""
    return list_text(
        f"{label(name).lower()} {setting_value_text(name, value)}" for name, value in values.items()
    )


def dimension_text(dimension: Dimension) -> str:
    """Return a setting and its range: "Learning rate 0.001 to 2"."""
    name = label(dimension.name)
    if isinstance(dimension, NumberRange):
        low, high = (setting_value_text(dimension.name, end) for end in (dimension.low, dimension.high))
        return _("{setting} {low} to {high}").format(setting=name, low=low, high=high)
    values = list_text(setting_value_text(dimension.name, value) for value in dimension.values)
    return _("{setting}: {values}").format(setting=name, values=values)


def plan_title(plan: SearchPlan) -> str:
    """Return the name of a search, else the settings that it varies."""
    return plan.name or list_text(label(one.name) for one in plan.space.dimensions)


def search_title(search: Search) -> str:
    """Return the name of a search in a list, with the time it began."""
    return f"{plan_title(search.plan)} · {date_text(search.created)}"


def state_text(state: str) -> str:
    """Return a trial's state in words."""
    return {
        "waiting": _("queued"),
        "running": _("training"),
        "finished": _("finished"),
        "pruned": _("pruned"),
        "failed": _("failed"),
    }[state]


def trial_title(trial: SearchTrial) -> str:
    """Return a trial's number with its accuracy, or its state."""
    score = state_text(trial.state) if trial.accuracy is None else percent_text(trial.accuracy)
    start = [_("the settings it began from")] if trial.is_start else []
    return " · ".join([_("Trial {number}").format(number=trial.number), score, *start])
