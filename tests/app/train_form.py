"""The Train form's settings as a visitor sees them: in the URL, and the same in the controls."""

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from ui.train_form.state import (
    FIRST_RECIPE,
    form_from_settings,
    setting_parameters,
    settings_from_query,
    settings_of_run,
)

CONTROLS = ("selectbox", "select_slider", "toggle", "number_input", "slider", "pills")


def url_of(test):
    """Return the parameters of a test's URL."""
    return {name: value if isinstance(value, str) else value[0] for name, value in test.query_params.items()}


def form_settings(test):
    """Return the form's settings as a TrainConfig; each control on the page shows the same."""
    query = url_of(test)
    if setting_parameters(query):
        form = form_from_settings(*settings_from_query(query, FIRST_RECIPE))
    else:
        stored = {run.id: run for run in RunStore().list()}
        form = form_from_settings(settings_of_run(stored.get(query.get("run"))), [])
    shown = shown_values(test)
    for field, value in form.settings.items():
        for name, expected in expected_values(field, value).items():
            assert shown.get(name, expected) == expected, name
    return TrainConfig(**form.settings)


def expected_values(field, value):
    """Return the values of a setting's controls by name; layers have a count and a control each."""
    if not isinstance(value, tuple):
        return {field: value}
    return {f"{field}_count": len(value), **{f"{field}_{i}": size for i, size in enumerate(value)}}


def shown_values(test):
    """Return the values of the form's controls on the page, by the names of their keys without "set_"."""
    controls = [control for kind in CONTROLS for control in getattr(test, kind)]
    return {c.key.removeprefix("set_"): c.value for c in controls if str(c.key).startswith("set_")}
