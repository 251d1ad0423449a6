"""Which runs are compared, their comparison, and the settings in which they differ."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

import streamlit as st

from mnist_core.messages import Message
from mnist_core.runs.comparison import FEWEST, MOST, Comparison, Pair, check_comparable, compare_runs
from mnist_core.runs.comparison_text import quoted
from mnist_core.runs.metadata import printable_line
from mnist_core.runs.run import Run
from ui import resources
from ui.evaluations import evaluation_progress, hold_if_stopped
from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.i18n import sentences_text, translate
from ui.navigation import link
from ui.runs.changes import show_missing
from ui.runs.choice import comparable_runs, compared_ids
from ui.runs.choice import compare as compare_these
from ui.runs.names import names_of, run_labels
from ui.url_controls import set_widget_value, url_choice
from ui.url_state import COMPARED_KEY, compared_runs, set_url_parameters, url_parameters

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation

from collections.abc import Iterator, Sequence

from mnist_core.config import TrainConfig
from mnist_core.runs.comparison import differing_settings
from mnist_core.runs.names import is_used
from ui.html.tables import table_html
from ui.i18n import ngettext
from ui.runs.names import change_texts
from ui.train_form.setting_labels import LABELS, value_text


@dataclass(frozen=True)
class ComparedRuns:
    """The runs to compare, and their names, no two alike."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]


def choose_runs() -> ComparedRuns:
    """Show which runs are compared and let others be chosen; with too few, say what to do and stop."""
    runs = {run.id: run for run in comparable_runs()}
    show_missing(compared_runs() or (), _("The others are compared."))
    if any(run not in runs and resources.find_run(run) for run in compared_runs() or ()):
        st.warning(_("Some of the runs in this link have no saved weights yet."))
    if len(runs) < FEWEST:
        _show_empty(bool(runs))
        st.stop()
    labels = run_labels(runs.values())
    known = compared_ids(list(runs.values()))
    set_widget_value(COMPARED_KEY, known, tuple(labels.items()))
    picked = st.multiselect(
        _("Runs to compare, two to eight"),
        list(runs),
        known,
        format_func=lambda run: labels.get(run, run),
        key=COMPARED_KEY,
        max_selections=MOST,
        select_all=False,
        on_change=lambda: compare_these([run for run in st.session_state[COMPARED_KEY] if run in runs]),
        placeholder=_("Choose runs"),
    )
    if len(picked) < FEWEST:
        st.info(_("Choose at least two runs to compare."))
        st.stop()
    chosen = [runs[run] for run in picked]
    return ComparedRuns(tuple(chosen), tuple(names_of(chosen).values()))


NOTE_KEY = "note"
LINKED = ("part", NOTE_KEY, "pair", "curve", "over", "axis", "among")  # what a link to a comparison shows
LONGEST_NOTE = 200  # characters


def show_note() -> None:
    """Show the note that the link carries, as it was typed."""
    if text := note():
        with st.container(border=True, key="comparison_note", gap=None):
            st.caption(_("Note in this link"))
            st.text(text)


def note() -> str:
    """Return the note in the URL, in one line of at most LONGEST_NOTE characters."""
    text = url_parameters().get(NOTE_KEY, "")
    return printable_line(text)[:LONGEST_NOTE]


def _write_note() -> None:
    set_url_parameters({NOTE_KEY: st.session_state[NOTE_KEY].strip()[:LONGEST_NOTE] or None})


def show_address(chosen: ComparedRuns) -> None:
    """Show the link to this comparison, and a field for the note that it carries."""
    with st.popover(_("Link to this comparison"), icon=":material/link:"):
        set_widget_value(NOTE_KEY, note())
        st.text_input(
            _("Note for those who open the link"),
            note(),
            key=NOTE_KEY,
            max_chars=LONGEST_NOTE,
            on_change=_write_note,
            placeholder=_("What should they look at?"),
        )
        st.caption(_("Everyone with this link can view these runs and read the note."))
        query = {COMPARED_KEY: ",".join(run.id for run in chosen.runs)}
        query |= {key: url_parameters()[key] for key in LINKED if key in url_parameters()}
        st.code(
            urljoin(st.context.url or "/", "compare") + "?" + urlencode(query, safe=","),
            language=None,
            wrap_lines=True,
        )


def _show_empty(only_pretrained: bool) -> None:
    if only_pretrained:
        st.info(_("There is one trained network so far. Train another, then they can be compared here."))
    else:
        st.info(
            _("There is no trained network yet. Train two with different settings, then compare them here.")
        )
    link("pages/train.py", _("Train a network"), ":material/model_training:")


PAIR_KEY = "pair"
READ_KEY = "read_checkpoints"


def compare(chosen: ComparedRuns) -> Comparison:
    """Return the comparison; while runs classify the test images, show the progress and a stop button.

    Results are kept, so stopping or choosing other runs loses nothing. Raises InputError when these
    can't be compared.
    """
    check_comparable(chosen.runs, resources.dataset(chosen.runs[0].config.dataset).source)
    return compare_runs(chosen.runs, _evaluations(chosen), chosen.names)


def _evaluations(chosen: ComparedRuns) -> "list[Evaluation]":
    known = st.session_state.setdefault(READ_KEY, set())  # checkpoints that this session has waited for
    ids, count = tuple(run.id for run in chosen.runs), len(chosen.runs)
    if any(str(run.checkpoints[-1]) not in known for run in chosen.runs):
        hold_if_stopped(ids)
    place = st.empty()
    with place.container():
        bar = evaluation_progress(ids)
    found: list[Evaluation] = []
    for run, name in zip(chosen.runs, chosen.names, strict=True):
        words = _("{run} classifies the test images ({number} of {all})")
        text = words.format(run=shortened(name), number=len(found) + 1, all=count)

        def show(fraction: float, text: str = text) -> None:
            bar((len(found) + fraction) / count, text)

        if str(run.checkpoints[-1]) not in known:
            show(0.0)
        found.append(resources.evaluation(run, show))
        known.add(str(run.checkpoints[-1]))
    place.empty()
    return found


def choose_pair(chosen: ComparedRuns, comparison: Comparison) -> Pair:
    """Show the choice of a pair if there are several; return the chosen one."""
    if len(comparison.pairs) == 1:
        return comparison.pairs[0]
    pairs = {f"{pair.first + 1}-{pair.second + 1}": pair for pair in comparison.pairs}
    labels = {key: pair_name(chosen, pair) for key, pair in pairs.items()}
    return pairs[url_choice(st.selectbox, _("Pair"), labels, PAIR_KEY, next(iter(labels)), width=520)]


def pair_name(chosen: ComparedRuns, pair: Pair) -> str:
    """Return the name of a pair."""
    first, second = (quoted(chosen.names[place]) for place in (pair.first, pair.second))
    return _("{first} and {second}").format(first=first, second=second)


def paragraph(messages: Iterable[Message]) -> str:
    """Return sentences as one paragraph of Markdown, with names escaped and 1e-10 kept on one line."""
    text = sentences_text(escape_markdown(translate(message)) for message in messages)
    return re.sub(r"(?<=\de)\\?-(?=\d)", "\N{NON-BREAKING HYPHEN}", text)


def shortened(name: str, most: int = 28) -> str:
    """Return a name shortened to at most `most` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def show_settings(chosen: ComparedRuns) -> None:
    """Show the settings in which the compared runs differ, and what was changed during each training."""
    settings = differing_settings([run.config for run in chosen.runs])
    if settings:
        configs = [run.config for run in chosen.runs]
        rows = {_(LABELS[name]): setting_texts(name, configs) for name in settings}
        head, table = [_("Setting"), *chosen.names], [[name, *texts] for name, texts in rows.items()]
        st.html(table_html(head, table, style="lab-settings", words=_("Setting")))
        same = len(LABELS) - len(settings)
        words = ngettext(
            "The other {count} setting is the same in all runs.",
            "The other {count} settings are the same in all runs.",
            same,
        )
        st.caption(words.format(count=same))
    else:
        st.info(_("All settings are the same, the seed too: choose runs with different settings."))
    for line in _changes(chosen):
        st.caption(escape_markdown(line))


def setting_texts(field: str, configs: Sequence[TrainConfig]) -> list[str]:
    """Return one setting of each config as text; a dash where the network does not use it."""
    return [
        value_text(field, getattr(config, field)) if is_used(field, config) else "\N{EN DASH}"
        for config in configs
    ]


def _changes(chosen: ComparedRuns) -> Iterator[str]:
    """Yield what was changed during each run's training, in words."""
    for run, name in zip(chosen.runs, chosen.names, strict=True):
        if changed := change_texts(run):
            yield _("{run}: {value}").format(run=name, value=sentences_text(changed))
