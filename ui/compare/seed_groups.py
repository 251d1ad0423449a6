"""Runs of the same settings with several seeds: mean, spread, tests, and more seeds to train."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.runs.seed_variance import (
    SeedSummary,
    compare_groups,
    next_seeds,
    seed_summary,
    seeds_of,
    unfinished_seeds,
)
from mnist_core.training.schedules import differences
from ui import resources, visitor
from ui.compare.accuracy import score_words
from ui.compare.charts import seed_points, seed_spec
from ui.compare.selection import ComparedRuns, paragraph
from ui.html.tables import escape_markdown, markdown
from ui.i18n import duration_text, list_text, ngettext, percent_text, sentences_text, translate
from ui.i18n import gettext as _
from ui.jobs import is_second_tap, note_start
from ui.runs.changes import may_change
from ui.runs.names import name_without_seed
from ui.runs.progress import is_trained_elsewhere, progress_share

USUAL_SEEDS, MOST_SEEDS = 4, 10  # seeds to train at a time; with the existing one, five
SECONDS_BETWEEN_LOOKS = 1.0
REPEATED_KEY = "repeated_run"
COUNT_KEY = "repeat_count"
PROBLEM_KEY = "repeat_problem"


@dataclass(frozen=True)
class Group:
    """The runs with one run's settings: `tested`, one for each seed, and `coming`, queued or training.

    `run` is the first of them in the comparison; `place`, from 0, is its place there and gives the colour.
    """

    name: str
    run: Run
    place: int
    tested: Sequence[Run]
    coming: Sequence[Run]

    @property
    def accuracies(self) -> list[float]:
        """Return the test accuracy of each tested seed, 0 to 1."""
        return [run.results["test_accuracy"] for run in self.tested]


def show(chosen: ComparedRuns) -> None:
    """Show the section."""
    groups = _groups(chosen)
    st.markdown(
        _(
            "Another seed gives other initial weights and another order of the images, and so "
            "another network. Several seeds with the same settings show how much accuracy varies "
            "by chance. The groups hold the runs chosen above and all your other runs with the "
            "same settings."
        )
    )
    coming = [run.id for group in groups for run in group.coming]
    if coming:
        st.fragment(_show_progress, run_every=SECONDS_BETWEEN_LOOKS)(coming)
    _show_summaries(groups)
    _show_tests([group for group in groups if len(group.tested) > 1])
    _show_repeat(groups)


def _groups(chosen: ComparedRuns) -> list[Group]:
    """Return the groups of the chosen runs; two chosen runs of the same settings are in one."""
    runs = [*chosen.runs, *visitor.listed_runs()]
    groups: list[Group] = []
    for place, (run, name) in enumerate(zip(chosen.runs, chosen.names, strict=True)):
        if not any(run.id in {other.id for other in (*group.tested, *group.coming)} for group in groups):
            groups.append(Group(name, run, place, seeds_of(run, runs), unfinished_seeds(run, runs)))
    return [replace(group, name=_group_name(group, groups)) for group in groups]


def _group_name(group: Group, groups: Sequence[Group]) -> str:
    """Return the runs' name without a seed if no other group has it."""
    names = [name_without_seed(other.run) for other in groups]
    name = name_without_seed(group.run)
    return name if names.count(name) == 1 else group.name


def _show_summaries(groups: Sequence[Group]) -> None:
    tested = [group for group in groups if group.tested]
    if not tested:
        st.info(_("None of these runs has a test accuracy yet; wait until one has finished."))
        return
    summaries: list[SeedSummary] = [seed_summary(group.accuracies) for group in tested]
    names = [group.name for group in tested]
    if any(summary.interval for summary in summaries):
        st.vega_lite_chart(
            seed_points(names, [group.accuracies for group in tested]),
            seed_spec(names, [group.place for group in tested], summaries, score_words(), _("Mean")),
            key="seeds",
            alt=_("Accuracy of each seed, and the mean of each group with its 95% confidence interval"),
        )
        st.caption(
            _(
                "A ring is the accuracy of one seed. The diamond is the mean of the group; its line "
                "is the 95% confidence interval (Student's t) of the mean over all seeds."
            )
        )
    lines = (
        "- "
        + _("{run}: {value}").format(
            run=f"**{escape_markdown(name)}**", value=escape_markdown(translate(summary.statement))
        )
        for name, summary in zip(names, summaries, strict=True)
    )
    st.markdown("\n".join(lines))


def _show_tests(groups: Sequence[Group]) -> None:
    """Show Welch's test of each two groups."""
    tests = compare_groups([group.accuracies for group in groups], [group.name for group in groups])
    for (first, second), test in tests.items():
        with st.container(border=True, key=f"groups_{first}_{second}"):
            names = _("{first} and {second}").format(first=groups[first].name, second=groups[second].name)
            st.markdown(f"**{escape_markdown(names)}**")
            st.markdown(paragraph(test.statements))


def _show_repeat(groups: Sequence[Group]) -> None:
    """Offer to train one of the settings with more seeds."""
    st.subheader(_("Repeat with more seeds"))
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.selectbox(
            _("Settings of run"),
            range(len(groups)),
            format_func=lambda n: groups[n].name,
            key=REPEATED_KEY,
            width=300,
        )
        group = groups[place]
        room = resources.training_queue().room(visitor.identity(), visitor.limits())
        refusal = _refusal(group.run, room)
        most = max(1, min(MOST_SEEDS, room))
        count = st.number_input(
            _("Seeds"),
            1,
            most,
            min(USUAL_SEEDS, most),
            key=f"{COUNT_KEY}_{most}",
            width=140,
            disabled=bool(refusal),
        )
        label = ngettext("Train {n} more seed", "Train {n} more seeds", count)
        if reason := resources.why_not_on_cluster():
            label = ngettext(
                "Train {n} more seed on this server", "Train {n} more seeds on this server", count
            )
        st.button(
            label.format(n=count),
            type="primary",
            icon=":material/playlist_add:",
            on_click=_queue,
            args=(group, count, reason is not None),
            disabled=bool(refusal),
            key="repeat",
        )
    if reason:
        st.caption(markdown(reason))
    st.caption(refusal or _plan(group, count, room))


def _refusal(run: Run, room: int) -> str | None:
    """Return why a run can't be repeated now; None if it can."""
    if not room:
        return _("No more runs can wait in the queue now; wait until one has finished.")
    if differences(run.config, run.changes):
        return _("This run was changed during training, so its settings alone do not reproduce it.")
    if run.status not in (*UNFINISHED, "finished"):
        return _("This run did not finish, so its repeats would train longer; continue it first.")
    return None


def _plan(group: Group, count: int, room: int) -> str:
    """Return which seeds would be trained, and how long that may take."""
    used = _used_seeds(group)
    seeds = list_text(str(config.seed) for config in next_seeds(group.run.config, used, count))
    words = _("Seeds {seeds} are trained one after the other; each is a separate run in your list.")
    sentences = [words.format(seeds=seeds)]
    if seconds := group.run.results.get("train_seconds"):
        about = _("One training took {one}, so all take about {all}.")
        sentences.append(about.format(one=duration_text(seconds), all=duration_text(seconds * count)))
    return sentences_text([*sentences, _("The queue has room for {room} more.").format(room=room)])


def _used_seeds(group: Group) -> set[int]:
    return {run.config.seed for run in (group.run, *group.tested, *group.coming)}


def _queue(group: Group, count: int, here: bool) -> None:
    """Queue the next seeds, once for a double click; if the queue becomes full, keep those queued before.

    With `here` they train on the server, as its cluster can't be reached.
    """
    seconds = group.run.results.get("train_seconds")
    wanted = replace(group.run.config, seed=0), count
    if is_second_tap(wanted):
        return
    note_start(wanted)
    try:
        for config in next_seeds(group.run.config, _used_seeds(group), count):
            resources.training_queue().submit(
                config,
                expected_seconds=seconds,
                limits=visitor.limits(),
                here=here,
                owner=visitor.identity(),
            )
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message


def _show_progress(run_ids: Sequence[str]) -> None:
    """Show the progress of the seeds in training; rerun the page once one of them has ended."""
    runs = [run for run_id in run_ids if (run := resources.find_run(run_id)) and run.status in UNFINISHED]
    if len(runs) < len(run_ids):
        st.rerun()
    done = sum(progress_share(run) or 0.0 for run in runs)
    words = ngettext("{n} seed remaining: {now}", "{n} seeds remaining: {now}", len(runs))
    training = [
        f"{run.config.seed} ({percent_text(progress_share(run) or 0, 0)})"
        for run in runs
        if run.status == "running"
    ]
    now = _("training seed {seeds}").format(seeds=list_text(training)) if training else _("queued")
    with st.container(border=True, key="seeds_coming"):
        st.progress(min(1.0, done / len(runs)), text=words.format(n=len(runs), now=now))
        st.button(
            _("Stop these runs"),
            icon=":material/stop:",
            on_click=_stop,
            args=(run_ids,),
            key="stop_seeds",
            disabled=all(is_trained_elsewhere(run) for run in runs),
            help=_("What another process trains is stopped there."),
        )


def _stop(run_ids: Sequence[str]) -> None:
    """Stop the runs, the waiting ones first, so that none begins meanwhile."""
    for run_id in reversed(run_ids):
        if may_change(run_id):
            resources.training_queue().stop(run_id)
