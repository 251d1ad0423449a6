"""Optuna's own figures of a search, in the visitor's language and our colours, each with an explanation."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.runtime.process import import_pandas
from mnist_core.search.space import Options
from mnist_core.search.storage import import_optuna
from mnist_core.search.study import Search, SearchTrial
from ui.html.tables import escape_markdown
from ui.i18n import count_text, list_text, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.projection_chart import LOUD, QUIET
from ui.search.words import label, setting_value_text
from ui.url_controls import url_choice

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from optuna import Study

FEWEST_TRIALS = 2  # for a figure
FEWEST_FOR_IMPORTANCE = 10
MOST_AXES = 4  # of parallel coordinates at first: more are too narrow on a phone
SETTING_KEY = "setting"
TOP_SHARE = 4  # slices and coordinates are described by the best quarter of the trials
CHART = {"displayModeBar": False}
SCALE = ["#d98b2b", "#94909a", "#2f86d6"]  # from low to high
HEIGHT = 420


def show_history(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show accuracy by trial, and the best so far."""

    def words(finished: Sequence[SearchTrial], _figure: object) -> list[str]:
        best, last = 0.0, finished[0]
        for trial in finished:
            if (trial.accuracy or 0) > best:
                best, last = trial.accuracy or 0, trial
        said = _(
            "The best rose from {first} in the first trial to {best}; the last step up was trial {number}."
        )
        first = percent_text(finished[0].accuracy or 0)
        return [said.format(first=first, best=percent_text(best), number=last.number)]

    _show(
        search,
        trials,
        "history",
        lambda plots, study, target: plots.plot_optimization_history(study, **target),
        words,
    )


def show_coordinates(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show each trial as a line through its values."""
    names = {one.name: label(one.name) for one in search.plan.space.dimensions}
    shown = list(names)
    if len(names) > MOST_AXES:
        shown = st.multiselect(
            _("Settings"),
            list(names),
            list(names)[:MOST_AXES],
            format_func=names.get,
            key="axes",
            select_all=False,
        )
    if not shown:
        st.info(_("Choose one setting or several"))
        return
    explained = _(
        "Each line is a trial: it runs from its accuracy through its values; blue lines are more accurate."
    )

    def draw(plots: Any, study: "Study", target: dict[str, Any]) -> "go.Figure":
        figure = plots.plot_parallel_coordinate(study, params=[names[name] for name in shown], **target)
        figure.update_traces(marker_showscale=False, selector={"type": "scatter"})  # the first axis says it
        # Optuna sorts the names and cuts long ones; a word a line is as wide as a phone has room for.
        words = [_("Accuracy"), *sorted(names[name] for name in shown)]
        lines = [text.replace(" ", "<br>") for text in words]
        figure.update_xaxes(ticktext=lines, tickangle=0, ticklabeloverflow="allow")
        return figure

    _show(
        search,
        trials,
        "coordinates",
        draw,
        lambda finished, _figure: [explained, *_where_the_best_are(search, finished)],
    )


def show_slices(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show accuracy by one setting, which is chosen."""
    names = {one.name: label(one.name) for one in search.plan.space.dimensions}
    chosen = url_choice(st.pills, _("Setting"), names, SETTING_KEY, next(iter(names)), required=True)
    explained = _(
        "Each dot is a trial: {setting} to the right, accuracy upwards. Blue dots are later trials."
    )

    def draw(plots: Any, study: "Study", target: dict[str, Any]) -> "go.Figure":
        figure = plots.plot_slice(study, params=[names[chosen]], **target)
        return figure.update_traces(marker_showscale=False)  # the words say it; it took half of a phone

    _show(
        search,
        trials,
        "slices",
        draw,
        lambda finished, _figure: [
            explained.format(setting=names[chosen].lower()),
            *_where_the_best_are(search, finished),
        ],
    )


def show_importances(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show how much each setting matters to the accuracy, by PED-ANOVA."""
    if len([trial for trial in _finished(trials) if trial.values]) < FEWEST_FOR_IMPORTANCE:
        words = _("How much each setting matters can be told from {count} finished trials on.")
        st.info(words.format(count=FEWEST_FOR_IMPORTANCE))
        return

    def words_of(_finished: Sequence[SearchTrial], figure: "go.Figure") -> list[str]:
        (bars,) = figure.data
        share, first = max(zip(bars.x, bars.y, strict=True))
        said = _("{setting} matters most: {share} of the importance (PED-ANOVA, Watanabe et al. 2023).")
        return [
            said.format(setting=first, share=percent_text(share, 0)),
            _("With few trials this is uncertain: another search may tell another order."),
        ]

    def draw(plots: Any, study: "Study", target: dict[str, Any]) -> "go.Figure":
        figure = plots.plot_param_importances(study, **target)
        return figure.update_xaxes(
            range=[0, 1.2 * max(figure.data[0].x)]
        )  # room for the longest bar's number

    _show(search, trials, "importances", draw, words_of)


def show_front(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show accuracy by parameters, with the Pareto front."""

    def words(finished: Sequence[SearchTrial], _figure: object) -> list[str]:
        best = search.best(finished)
        said = _(
            "Orange dots are the Pareto front, from {least} to {most} parameters: no trial beats one in both."
        )
        return [
            said.format(least=count_text(best[-1].parameters or 0), most=count_text(best[0].parameters or 0))
        ]

    def draw(plots: Any, study: "Study", _target: dict[str, Any]) -> "go.Figure":
        names = [_("Validation accuracy, %"), _("Parameters")]
        targets = {"targets": lambda trial: (trial.values[1], trial.values[0]), "target_names": names[::-1]}
        figure = plots.plot_pareto_front(study, **targets)
        for trace, name, colour in zip(
            figure.data, (_("Other trials"), _("Pareto front")), (QUIET, LOUD), strict=False
        ):
            trace.update(name=name, showlegend=True, hovertemplate="%{y:.2f} %, %{x:,}<extra></extra>")
            trace.marker = {"color": colour, "size": 10}
        return figure

    _show(search, trials, "front", draw, words)


def _show(
    search: Search,
    trials: Sequence[SearchTrial],
    key: str,
    draw: Callable[[Any, "Study", dict[str, Any]], "go.Figure"],
    words: Callable[[Sequence[SearchTrial], "go.Figure"], list[str]],
) -> None:
    finished = _finished(trials)
    if len(finished) < FEWEST_TRIALS:
        st.info(_("The figure is drawn as soon as {count} trials have finished.").format(count=FEWEST_TRIALS))
        return
    optuna = import_optuna()
    import_pandas()
    target: dict[str, Any] = {"target_name": _("Validation accuracy, %")}
    if search.plan.aim == "size":
        target["target"] = lambda trial: trial.values[0]
    with st.spinner(_("Drawing")):
        figure = draw(optuna.visualization, translated_study(search, trials), target)
    said = sentences_text(words(finished, figure))
    st.markdown(escape_markdown(said))
    _recolour(figure)
    st.plotly_chart(_in_our_words(figure), config=CHART, key=f"figure_{key}", alt=said)


def _finished(trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    return [trial for trial in trials if trial.state == "finished" and trial.accuracy is not None]


def translated_study(search: Search, trials: Sequence[SearchTrial]) -> "Study":
    """Return a copy of the study in memory, with settings and values in the visitor's language.

    Optuna writes them into its figures: titles of axes, labels, tooltips.
    """
    optuna = import_optuna()
    study = optuna.create_study(directions=search.plan.directions)
    known = {trial.number: trial for trial in search.study().get_trials(deepcopy=False)}
    for trial in _finished(trials):
        kept = known[trial.number]
        values = [
            100 * (trial.accuracy or 0.0),
            *([float(trial.parameters or 0)] if search.plan.aim == "size" else []),
        ]
        study.add_trial(
            optuna.create_trial(
                values=values,
                params={label(name): _shown(search, name, value) for name, value in kept.params.items()},
                distributions={
                    label(name): _shown_distribution(search, name, one)
                    for name, one in kept.distributions.items()
                },
            )
        )
    return study


def _shown(search: Search, name: str, value: Any) -> Any:
    """Return a value as figures show it: options in words, numbers as they are."""
    options = any(one.name == name and isinstance(one, Options) for one in search.plan.space.dimensions)
    return setting_value_text(name, value) if options else value


def _shown_distribution(search: Search, name: str, distribution: Any) -> Any:
    optuna = import_optuna()
    if not isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return distribution
    shown = [_shown(search, name, value) for value in distribution.choices]
    return optuna.distributions.CategoricalDistribution(shown)


def _in_our_words(figure: "go.Figure") -> "go.Figure":
    """Translate Optuna's own words, and remove its title, as the page has one."""
    names = {
        "Trial": _("Trial"),
        "Best Value": _("Best so far"),
        "Feasible Trial": None,
        "Infeasible Trial": None,
        "Hyperparameter": None,
        "Hyperparameter Importance": _("Share of importance"),
    }
    figure.update_layout(
        title=None,
        height=HEIGHT,
        dragmode=False,  # a finger that begins on it scrolls the page
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"t": 40, "l": 10, "r": 10, "b": 10},
        legend={"orientation": "h", "y": 1.1, "x": 0, "xanchor": "left"},
    )
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if axis.title.text in names:
            axis.title.text = names[axis.title.text]
    for trace in figure.data:
        trace.name = names.get(trace.name, trace.name)
        if trace.type == "scatter" and trace.marker.colorbar.title.text in names:
            trace.marker.colorbar.title.text = names[trace.marker.colorbar.title.text]
    return figure


def _recolour(figure: "go.Figure") -> None:
    """Replace Optuna's colours, white to dark blue, by ones that are visible on light and dark."""
    for trace in figure.data:
        if trace.type != "scatter":
            continue
        if trace.mode == "lines" and trace.customdata is not None:  # its first axis is the accuracy, 0 to 1
            trace.line.color, trace.line.width, trace.opacity = _colour(trace.y[0]), 1.8, 0.8
        if trace.marker.colorscale is not None:
            trace.marker.colorscale, trace.marker.reversescale, trace.marker.size = SCALE, False, 9
        elif trace.mode == "markers" and trace.marker.color is None:
            trace.marker.color = SCALE[-1]
    figure.update_annotations(font_color=QUIET)


def _colour(share: float) -> str:
    """Return the colour of a share of SCALE, 0 to 1."""
    from plotly.colors import sample_colorscale

    (colour,) = sample_colorscale(SCALE, min(1.0, max(0.0, share)))
    return colour


def _where_the_best_are(search: Search, finished: Sequence[SearchTrial]) -> list[str]:
    """Return the values of the best quarter of the trials, in words."""
    with_values = [trial for trial in finished if trial.values]
    best = sorted(with_values, key=lambda one: -(one.accuracy or 0))[: max(1, len(with_values) // TOP_SHARE)]
    if len(best) < 2:
        return []
    parts = []
    for dimension in search.plan.space.dimensions:
        values = [trial.values[dimension.name] for trial in best if dimension.name in trial.values]
        if isinstance(dimension, Options):
            told = list_text(setting_value_text(dimension.name, value) for value in dict.fromkeys(values))
        else:
            low, high = (setting_value_text(dimension.name, end) for end in (min(values), max(values)))
            told = low if low == high else _("{low} to {high}").format(low=low, high=high)
        parts.append(_("{setting}: {values}").format(setting=label(dimension.name).lower(), values=told))
    mean = percent_text(fmean(trial.accuracy or 0 for trial in best))
    said = _("The best {count} ({accuracy} on average) have {parts}.")
    return [said.format(count=count_text(len(best)), accuracy=mean, parts=list_text(parts))]
