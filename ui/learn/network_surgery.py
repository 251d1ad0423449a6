"""Chapter "Operate on a network": change the weights of a trained network, and measure the effect."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runtime.job import Steps, in_share
from ui import resources, visitor
from ui.html.digits import Figure, bars_html, grid_html
from ui.html.tables import escape_markdown, markdown
from ui.i18n import count_text, format_text, formatted_number, list_text, percent_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.lesson_jobs import background_result
from ui.navigation import link
from ui.number_fields import url_slider
from ui.runs.choice import pick_run
from ui.runs.names import run_name
from ui.url_controls import set_widget_value, url_choice
from ui.url_state import COMPARED_KEY, number_in_url, option_in_url, set_url_parameters, url_parameters

if TYPE_CHECKING:
    from mnist_core.data.mnist import Split
    from mnist_core.lessons.surgery import Amounts, Effect, Operation, WeightLayer
    from mnist_core.runs.run import Run

DONE_KEY = "ops"  # in the URL: the operations before the one in the controls, with BETWEEN between them
KIND_KEY, LAYER_KEY, UNIT_KEY, AMOUNT_KEY = "op", "op_layer", "op_unit", "op_amount"
BETWEEN = "~"
ALL = "all"
MOST_DONE = 8  # operations, one after the other
MOST_SHOWN = 8  # images
KEPT_KEY, PROBLEM_KEY = "operated_run", "operated_problem"  # in the session


class Operated(NamedTuple):
    """The run, the operations on its network, the layers, and the effect on its predictions.

    `half` is the effect of pruning half of the weights.
    """

    run: "Run"
    operations: "tuple[Operation, ...]"
    layers: "list[WeightLayer]"
    effect: "Effect"
    half: "Effect"


def ask() -> Question:
    """Ask how much accuracy is lost without half of the weights."""
    text = _(
        "Half of all weights of a trained network are set to 0: the ones closest to 0. How much of its "
        "accuracy does it lose?"
    )
    options = {"little": _("Less than 2 points"), "some": _("2 to 20 points"), "half": _("About half")}
    return Question(text, options)


def run() -> Operated | None:
    """Show the choice of an operation and its effect on the predictions."""
    from mnist_core.lessons.surgery import fits, weight_layers

    controls, shown = st.columns([2, 3], gap="large")
    with controls:
        network = pick_run()
        layers = weight_layers(resources.model(network))
        done = tuple(operation for operation in _done() if fits(layers, operation))
        operation = _choose_operation(layers)
        operations = (*done, operation)
        _show_buttons(network, done, operation, layers)
    with shown:
        half = _effect_of_half(network)
        found = _effect_of(network, operations, half) if half else None
        if half is None or found is None:
            return None
        _show_effect(found, network)
    return Operated(network, operations, layers, found, half)


def _done() -> "list[Operation]":
    """Return the operations in the URL that were done before the one in the controls."""
    from mnist_core.lessons.surgery import Operation

    texts = url_parameters().get(DONE_KEY, "").split(BETWEEN)[:MOST_DONE]
    return [operation for text in texts if (operation := Operation.parse(text))]


def _choose_operation(layers: "list[WeightLayer]") -> "Operation":
    """Show the controls of one operation; return it."""
    from mnist_core.lessons.surgery import ALL_LAYERS, OPERATIONS, Operation, can_operate

    kinds = {name: _(kind.label) for name, kind in OPERATIONS.items()}
    name = url_choice(st.selectbox, _("Operation"), kinds, KIND_KEY, next(iter(kinds)))
    kind = OPERATIONS[name]
    st.caption(_(kind.description))
    places = [place for place, layer in enumerate(layers) if can_operate(layer, name)]
    if not places:  # as in softmax regression, whose only units are the ten outputs
        st.info(_("This network has no hidden units; choose another operation."))
        return Operation("prune")
    if kind.of_unit:
        layer, unit = _choose_unit(layers, places, name)
    else:
        names = {ALL: _("All layers")} | {str(place): layer_name(layers[place], place) for place in places}
        chosen = url_choice(st.selectbox, _("Layer"), names, LAYER_KEY, ALL)
        layer, unit = ALL_LAYERS if chosen == ALL else int(chosen), 0
    return Operation(name, layer, unit, _choose_amount(name, kind.amounts) if kind.amounts else 0.0)


def layer_name(layer: "WeightLayer", place: int) -> str:
    """Return a layer in words: its number, kind, inputs and outputs."""
    outputs, inputs, *kernel = layer.shape
    if kernel:
        words = _("{number}. Convolution {kernel}, {inputs} → {outputs} feature maps")
        size = " x ".join(map(str, kernel))
        return words.format(number=place + 1, kernel=size, inputs=inputs, outputs=outputs)
    words = _("{number}. Fully connected, {inputs} → {outputs} units")
    return words.format(number=place + 1, inputs=inputs, outputs=outputs)


def _choose_unit(layers: "list[WeightLayer]", places: list[int], name: str) -> tuple[int, int]:
    """Show one slider over the units of all these layers; return a layer and a unit of it, both from 0."""
    units = {
        f"{place} {unit}": _unit_text(place, unit) for place in places for unit in range(layers[place].units)
    }
    layer = int(option_in_url([str(place) for place in places], LAYER_KEY, str(places[0])))
    unit = min(number_in_url(UNIT_KEY) or 0, layers[layer].units - 1)
    key, value = f"{UNIT_KEY}_{name}_{len(units)}", f"{layer} {unit}"

    def write() -> None:
        if (chosen := st.session_state[key]) in units:  # a page in another language sends other labels
            set_url_parameters(dict(zip((LAYER_KEY, UNIT_KEY), chosen.split(), strict=True)))

    set_widget_value(key, value, units[value])
    label = _("Unit or feature map")
    st.select_slider(label, list(units), value, format_func=units.get, key=key, on_change=write)
    st.caption(escape_markdown(layer_name(layers[layer], layer)))
    return layer, unit


def _unit_text(layer: int, unit: int) -> str:
    return list_text([_("layer {n}").format(n=layer + 1), _("unit {n}").format(n=unit)])


def _choose_amount(name: str, amounts: "Amounts") -> float:
    """Show a slider for the amount of an operation, and its field."""
    labels = {
        "prune": _("Share of the weights, in %"),
        "scale": _("Factor"),
        "shift": _("Added to the bias"),
        "noise": _("Noise, in % of the standard deviation"),
        "round": _("Bits"),
    }
    low, high, step, first, _unit = amounts
    values = np.linspace(low, high, round((high - low) / step) + 1).round(6).tolist()
    whole, key = name == "round", f"{AMOUNT_KEY}_{name}"
    return url_slider(labels[name], values, AMOUNT_KEY, first, whole=whole, widget_key=key)


def _show_buttons(
    network: "Run", done: "tuple[Operation, ...]", operation: "Operation", layers: "list[WeightLayer]"
) -> None:
    """Show the earlier operations, and the buttons: next operation, undo, keep."""
    if done:
        lines = [f"{number}. {operation_text(each, layers)}" for number, each in enumerate(done, 1)]
        st.markdown(_("Done before it:") + "\n" + "\n".join(lines))
    with st.container(horizontal=True, gap="small", key="lab_operations"):
        st.button(
            _("Then operate further"),
            icon=":material/add:",
            key="lab_operate_further",
            on_click=_write_done,
            args=((*done, operation),),
            disabled=len(done) >= MOST_DONE,
        )
        st.button(
            _("Undo"),
            icon=":material/undo:",
            key="lab_undo_operation",
            on_click=_undo,
            args=(done,),
            disabled=not done,
        )
        st.button(
            _("Keep as a run"),
            icon=":material/save:",
            key="lab_keep_operated",
            on_click=_keep,
            args=(network, (*done, operation), operation_text(operation, layers)),
        )
    _show_kept(network, (*done, operation))


def operation_text(operation: "Operation", layers: "list[WeightLayer]") -> str:
    """Return an operation in a few words: what, where and by how much."""
    from mnist_core.lessons.surgery import ALL_LAYERS, OPERATIONS

    kind = OPERATIONS[operation.kind]
    where = _("all layers") if operation.layer == ALL_LAYERS else _("layer {n}").format(n=operation.layer + 1)
    parts = [_(kind.label), where]
    if kind.of_unit:
        parts.append(_("unit {n}").format(n=operation.unit))
    if kind.amounts:
        parts.append(formatted_number(operation.amount, "g") + kind.amounts.unit)
    return list_text(parts)


def _write_done(operations: "Sequence[Operation]") -> None:
    set_url_parameters({DONE_KEY: BETWEEN.join(each.text for each in operations) or None})


def _undo(done: "tuple[Operation, ...]") -> None:
    """Undo the operation in the controls; the one before it is put into the controls."""
    *before, last = done
    _write_done(before)
    layer = ALL if last.layer < 0 else str(last.layer)
    set_url_parameters(
        {KIND_KEY: last.kind, LAYER_KEY: layer, UNIT_KEY: str(last.unit), AMOUNT_KEY: f"{last.amount:g}"}
    )


def _keep(network: "Run", operations: "tuple[Operation, ...]", words: str) -> None:
    """Keep the operated network as a run of the visitor's, one for a double click."""
    from mnist_core.lessons.surgery import operate

    *kept_before, kept_id = st.session_state.get(KEPT_KEY, ("", (), ""))
    if kept_before == [network.id, operations] and resources.find_run(kept_id):
        return
    try:
        visitor.limits().check_disk(resources.run_store(), visitor.identity())
        model = operate(resources.model(network), operations)
        results = {key: network.results[key] for key in ("source",) if key in network.results}
        kept = resources.run_store().add(
            network.config,
            model,
            network.results.get("epochs", 0),
            f"{run_name(network)}: {words}",
            visitor.identity(),
            operated=True,
            **results,
        )
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
    else:
        st.session_state[KEPT_KEY] = (network.id, operations, kept.id)


def _show_kept(network: "Run", operations: "tuple[Operation, ...]") -> None:
    """Say that the operated network was kept, with links to compare and to draw."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))
    base, kept_operations, kept = st.session_state.get(KEPT_KEY, ("", (), ""))
    run = resources.find_run(kept) if (base, kept_operations) == (network.id, operations) else None
    if run is None:
        return
    st.success(_("Kept as **{name}**.").format(name=escape_markdown(run_name(run))))
    compared = {COMPARED_KEY: f"{network.id},{run.id}"}
    with st.container(horizontal=True):
        link("pages/compare.py", _("Compare it with the original"), ":material/compare_arrows:", **compared)
        link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:", run=run.id)


def _effect_of_half(network: "Run") -> "Effect | None":
    """Return the effect of pruning half of the weights; it also has the network's own predictions."""
    from mnist_core.lessons.surgery import effect, read

    model, split = resources.model(network), _images(network)[0]

    def steps() -> Steps["Effect"]:
        before = yield from in_share(read(model, split), 0, 0.5)
        assert before is not None
        return (yield from in_share(effect(model, [_half()], split, before), 0.5, 1))

    return _in_background("operate_half", network, (), steps)


def _effect_of(network: "Run", operations: "tuple[Operation, ...]", half: "Effect") -> "Effect | None":
    """Return the effect of the operations; None until it is known."""
    from mnist_core.lessons.surgery import effect

    if operations == (_half(),):
        st.empty()  # takes the place of the progress, so that what follows doesn't move
        return half
    model, split = resources.model(network), _images(network)[0]
    return _in_background(
        "operate", network, operations, lambda: effect(model, operations, split, half.before)
    )


def _in_background(
    name: str, network: "Run", operations: "tuple[Operation, ...]", steps: Callable[[], Steps["Effect"]]
) -> "Effect | None":
    arguments = name, str(network.checkpoints[-1]), resources.dataset().source, operations
    return background_result(_("Reading 2,000 images"), arguments, steps, short=True)


def _half() -> "Operation":
    from mnist_core.lessons.surgery import Operation

    return Operation("prune", amount=50.0)


def _images(network: "Run") -> "tuple[Split, bool]":
    from mnist_core.data.mnist import split_images
    from mnist_core.lessons.surgery import images_to_read

    return images_to_read(network.config, split_images(network.config, resources.dataset()))


def _show_effect(found: "Effect", network: "Run") -> None:
    """Show the accuracy before and after, each digit's, and images that are read wrong now."""
    before, after = found.accuracies
    split, from_test = _images(network)
    name = _("Accuracy on {count} test images") if from_test else _("Accuracy on {count} validation images")
    change = _("{points:+.2f} points, before: {before:.2%}")
    st.metric(
        name.format(count=count_text(len(split))),
        percent_text(after),
        format_text(change, points=100 * (after - before), before=before),
        delta_color="off" if after == before else "normal",
    )
    st.markdown("**" + _("Each digit, before → after") + "**")
    shares = found.per_digit()
    texts = [f"{percent_text(old, 1)} → {percent_text(new, 1)}" for old, new in shares]
    losses = [old - new for old, new in shares]
    worst = int(np.argmax(losses)) if max(losses) > 0 else None
    st.html(
        bars_html([str(digit) for digit in range(10)], [new for _old, new in shares], texts, strong=worst)
    )
    _show_lost(found, split)
    if from_test:
        st.caption(
            _("These settings hold no validation images out, so test images are read, as in the tutorial.")
        )


def _show_lost(found: "Effect", split: "Split") -> None:
    lost = found.lost()
    if not len(lost):
        st.markdown(_("Every image that was read correctly before is still read correctly."))
        return
    words = _("**{count:,} images** were read correctly before and are read wrong now:")
    st.markdown(format_text(words, count=len(lost)))
    caption = _("<b>{label}</b> predicted <b class='lab-wrong'>{read}</b>")
    alt = _("Label {label}, now read as {read}")
    figures = []
    for place in lost[np.linspace(0, len(lost) - 1, min(len(lost), MOST_SHOWN)).astype(int)]:
        values = {"label": found.labels[place], "read": found.after[place]}
        figures.append(Figure(split.images[place], caption.format(**values), alt.format(**values)))
    st.html(grid_html(figures, columns=8, least=4))


def answer(result: Operated) -> str:
    """Return the accuracy of this network without half of its weights."""
    before, after = result.half.accuracies
    words = _("Half of the weights pruned: {after:.2%} instead of {before:.2%}")
    return format_text(words, after=after, before=before)


FORMULAS = {
    "prune": r"w' = \begin{cases} 0 & |w| \le t \\ w & |w| > t \end{cases}",
    "silence": r"h'_j = 0 \quad\Longleftrightarrow\quad W'_{kj} = 0 \text{ for all } k",
    "scale": r"W' = a \, W",
    "shift": r"b'_j = b_j + a",
    "noise": r"w' = w + \tfrac{p}{100} \, \sigma_W \, \varepsilon, \quad \varepsilon \sim N(0, 1)",
    "round": r"w' = \Delta \cdot \mathrm{round}(w / \Delta), \quad \Delta = \max|w| \, / \, (2^{n-1} - 1)",
}


def explain(result: Operated) -> None:
    """Explain why networks are so robust, with the formula and numbers of the chosen operation."""
    st.markdown(
        _(
            "The operations work on a copy of the run's last **checkpoint**, the file that holds all its "
            "weights. A trained network is **redundant**: many weights are close to 0, and what it knows of "
            "a digit is spread over many units. So it bears many changes, and then some digits suffer more "
            "than others. **Pruning** and **quantization** (fewer bits per weight) make use of that to store "
            "a network in less memory."
        )
    )
    last = result.operations[-1]
    st.latex(FORMULAS[last.kind])
    before, after = result.effect.accuracies
    words = _(
        "Last operation: {operation}. All operations together: {zeros:.1%} of the weights are 0, and the "
        "weights moved by {moved:.1%} of their norm. The accuracy changed from {before:.2%} to {after:.2%}."
    )
    st.markdown(
        format_text(
            words,
            operation=operation_text(last, result.layers),
            zeros=result.effect.zeros,
            moved=result.effect.moved,
            before=before,
            after=after,
        )
    )


def training(result: Operated) -> dict[str, Any]:
    """Return settings with dropout, by which a network loses units in its training too."""
    return {"recipe": "tutorial-3", "dropout": 0.5, "epochs": 3}
