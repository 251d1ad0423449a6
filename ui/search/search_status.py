"""The state of a search: progress, stop and continue, the best trial, and how much of it is luck."""

from collections.abc import Sequence

import streamlit as st

from mnist_core.data.mnist import split_images
from mnist_core.evaluation.significance import wilson_interval
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import Run
from mnist_core.search.evidence import begun_with, evidence, repeat_configs, repeats_of
from mnist_core.search.study import Search, SearchTrial
from ui import resources, visitor
from ui.html.tables import escape_markdown, markdown
from ui.i18n import count_text, list_text, ngettext, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.jobs import is_second_tap, note_start
from ui.navigation import link
from ui.runs.progress import is_trained_elsewhere, progress_share, status_text
from ui.search.words import dimension_text, plan_title, search_title, trial_title, values_text
from ui.search.work import PROBLEM_KEY, STUDY_KEY, attempt, go_on, is_working, may_change, problem
from ui.train_form.state import settings_to_query
from ui.url_controls import url_choice
from ui.url_state import set_url_parameters

SECONDS_BETWEEN_LOOKS = 1.0
ENDED = ("finished", "pruned", "failed")
USUAL_MORE, MOST_MORE = 10, 200
MORE_KEY = "more_trials"
FRONT_KEY = "of_front"  # in the URL: the number of the trial that is chosen from the Pareto front


def show_status(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show the search's plan, progress and buttons; rerun the page when a trial ends."""
    plan = search.plan
    st.subheader(escape_markdown(plan_title(plan)))
    ranges = list_text(dimension_text(one) for one in plan.space.dimensions)
    start = _(RECIPES[plan.base.recipe].title) if plan.base.recipe in RECIPES else _("settings of your own")
    st.caption(
        escape_markdown(_("Begins from {start}. Varies: {ranges}.").format(start=start, ranges=ranges))
    )
    if refusal := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(refusal))
    if _goes_on(search, trials):
        st.fragment(_show_progress, run_every=SECONDS_BETWEEN_LOOKS)(search, _count_ended(trials))
    else:
        _show_rest(search, trials)


def _goes_on(search: Search, trials: Sequence[SearchTrial]) -> bool:
    return is_working(search.id) or any(trial.state == "running" for trial in trials)


def _count_ended(trials: Sequence[SearchTrial]) -> int:
    return sum(trial.state in ENDED for trial in trials)


def _show_progress(search: Search, shown: int) -> None:
    """Show the search's progress, and Stop; `shown` trials had ended when the page was drawn."""
    try:
        trials, plan = search.trials(), search.plan
    except InputError:  # it was deleted, and the page says so
        st.rerun()
    ended = _count_ended(trials)
    if ended != shown or not _goes_on(search, trials):
        st.rerun()
    words = ngettext(
        "{ended} of {count} trial has ended", "{ended} of {count} trials have ended", plan.trials
    )
    text = words.format(ended=count_text(ended), count=count_text(plan.trials))
    running = [trial for trial in trials if trial.state == "running"]
    now = [_now_text(trial) for trial in running]
    with st.container(border=True, key="search_progress"):
        st.progress(min(1.0, ended / plan.trials), text=escape_markdown(" · ".join([text, *now])))
        with st.container(horizontal=True, vertical_alignment="center"):
            if may_change(search):
                st.button(
                    _("Stop"),
                    icon=":material/stop:",
                    key="stop_search",
                    on_click=attempt,
                    args=(search.stop,),
                )
            for trial in running[:1]:
                if resources.find_run(trial.run):
                    words = _("Watch trial {number}").format(number=trial.number)
                    link("pages/train.py", words, ":material/show_chart:", trial.run)
        if running and not is_working(search.id):
            st.caption(_("Another process works on this search, or was ended while it did."))
            _show_continue(search, 0)


def _now_text(trial: SearchTrial) -> str:
    """Return the progress of a trial that trains or waits, also in another process or on another machine."""
    run = resources.find_run(trial.run)
    share = progress_share(run) if run else _share_told(trial)
    elsewhere = is_trained_elsewhere(run) if run else trial.run != ""
    words = _("trial {number}: {share}")
    if elsewhere and share is None:
        words = _("trial {number}: trained by another process")
    elif elsewhere:
        words = _("trial {number}: trained by another process, {share}")
    status = status_text(run.status if run else "queued")
    return words.format(number=trial.number, share=status if share is None else percent_text(share, 0))


def _share_told(trial: SearchTrial) -> float | None:
    """Return how much of a trial on another machine is done, 0 to 1; None before its first epoch."""
    return max(trial.curve) / trial.config.epochs if trial.curve and trial.config else None


def _show_rest(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show that no worker is on the search, why, and the button that continues it."""
    ended, plan = _count_ended(trials), search.plan
    if why := problem(search):
        st.warning(markdown(why))
    spent = ended >= plan.trials
    words = (
        ngettext("The only trial has ended.", "All {count} trials have ended.", ended)
        if spent
        else ngettext(
            "{ended} of {count} trial has ended; nothing works on the search now.",
            "{ended} of {count} trials have ended; nothing works on the search now.",
            plan.trials,
        )
    )
    st.markdown(words.format(count=count_text(ended if spent else plan.trials), ended=count_text(ended)))
    if may_change(search):
        _show_continue(search, USUAL_MORE if spent else 0)


def _show_continue(search: Search, usual: int) -> None:
    reason = resources.why_not_on_cluster()
    if reason:
        st.caption(markdown(reason))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        more = st.number_input(_("More trials"), 0, MOST_MORE, usual, key=f"{MORE_KEY}_{usual}", width=140)
        st.button(
            _("Continue on this server") if reason else _("Continue the search"),
            icon=":material/play_arrow:",
            key="continue_search",
            on_click=_continue,
            args=(search, more, reason is not None),
        )


def _continue(search: Search, more: int, here: bool) -> None:
    """Continue with `more` trials; if the minutes are spent, with as many again."""

    def change() -> None:
        search.resume(more, search.plan.minutes)
        go_on(search, here)

    if not is_second_tap((search.id, more)):
        note_start((search.id, more))
        attempt(change)


def show_best(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show the best trial with links, or the Pareto front, and how certain the result is."""
    best = search.best(trials)
    if not best:
        st.info(_("No trial has finished yet; the best is shown here as soon as one has."))
        return
    if search.plan.aim == "size":
        _show_front(search, best, trials)
    else:
        _show_one(search, best[0], trials)


def _show_front(search: Search, best: Sequence[SearchTrial], trials: Sequence[SearchTrial]) -> None:
    """Show the Pareto front as a list, and how certain the result of one of it is."""
    words = ngettext(
        "**{count} trial is on the Pareto front**: no other is both more accurate and smaller.",
        "**{count} trials are on the Pareto front**: for each, no other is both more accurate and smaller.",
        len(best),
    )
    st.markdown(words.format(count=count_text(len(best))))
    lines = [
        "- "
        + escape_markdown(
            _("{accuracy} with {parameters} parameters: {values} (trial {number})").format(
                accuracy=percent_text(trial.accuracy or 0),
                parameters=count_text(trial.parameters or 0),
                values=values_text(trial.values) or _("the settings it began from"),
                number=trial.number,
            )
        )
        for trial in best
    ]
    st.markdown("\n".join(lines))
    words = _("{trial} · {parameters} parameters")
    titles = {
        str(trial.number): words.format(
            trial=trial_title(trial), parameters=count_text(trial.parameters or 0)
        )
        for trial in best
    }
    chosen = url_choice(
        st.selectbox, _("Network of the front"), titles, FRONT_KEY, next(iter(titles)), width=420
    )
    _show_certainty(search, next(one for one in best if str(one.number) == chosen), trials)


def _show_one(search: Search, best: SearchTrial, trials: Sequence[SearchTrial]) -> None:
    values = _("the settings it began from") if best.is_start else values_text(best.values)
    words = _("Best so far: {accuracy} of the validation images, with {values} (trial {number}).")
    said = words.format(accuracy=percent_text(best.accuracy or 0), values=values, number=best.number)
    st.markdown(f"**{escape_markdown(said)}**")
    _show_certainty(search, best, trials)


def _show_certainty(search: Search, best: SearchTrial, trials: Sequence[SearchTrial]) -> None:
    """Show how much of a trial's result is luck, what tells more about it, and links to its run."""
    try:
        data = resources.dataset(search.plan.base.dataset)
    except InputError as error:  # its images were deleted; the trials stay
        st.warning(markdown(error.message))
        _show_links(best, trials)
        return
    images = len(split_images(search.plan.base, data).validation)
    known = evidence(best, trials, images, of_front=search.plan.aim == "size")
    st.markdown(sentences_text(markdown(each) for each in known.statements))
    with st.container(horizontal=True, vertical_alignment="center", key="best_questions"):
        _show_repeats(search, best)
        _show_test(search, best)
    _show_links(best, trials)


def _show_repeats(search: Search, best: SearchTrial) -> None:
    """Show the results of the best settings with other seeds, or the button that trains them."""
    config = best.config
    if config is None:
        return
    runs = [run for run in resources.run_store().list() if run.metadata.group == search.id]
    repeats = repeats_of(config, runs)
    if statement := repeats.statement(best.accuracy or 0):
        st.markdown(markdown(statement))
    if repeats.coming:
        words = ngettext(
            "{n} more seed trains or waits.", "{n} more seeds train or wait.", len(repeats.coming)
        )
        st.fragment(_wait_for_seeds, run_every=SECONDS_BETWEEN_LOOKS)(
            [run.id for run in repeats.coming], words.format(n=len(repeats.coming))
        )
        return
    missing = repeat_configs(config, runs)
    if missing and may_change(search) and not is_working(search.id):
        words = ngettext("Repeat it with {n} more seed", "Repeat it with {n} more seeds", len(missing))
        if reason := resources.why_not_on_cluster():
            words = ngettext(
                "Repeat it with {n} more seed on this server",
                "Repeat it with {n} more seeds on this server",
                len(missing),
            )
            st.caption(markdown(reason))
        st.button(
            words.format(n=len(missing)),
            icon=":material/playlist_add:",
            key="repeat_best",
            on_click=_repeat,
            args=(search, best, runs, reason is not None),
        )


def _wait_for_seeds(run_ids: Sequence[str], words: str) -> None:
    """Rerun the page once one of the seeds has ended."""
    runs = [resources.find_run(run_id) for run_id in run_ids]
    if any(run is None or run.status not in ("queued", "running") for run in runs):
        st.rerun()
    st.caption(words)


def _repeat(search: Search, best: SearchTrial, runs: Sequence[Run], here: bool) -> None:
    """Train the best settings with other seeds; those that had begun before a restart go on.

    With `here` they train on the server, without its cluster.
    """
    if best.config is None or is_second_tap(best.config):
        return
    note_start(best.config)

    def submit() -> None:
        queue, limits = resources.training_queue(), visitor.limits()
        for config in repeat_configs(best.config, runs):
            if begun := begun_with(config, runs):
                queue.resume(begun.id, limits=limits, here=here)
                continue
            queue.submit(
                config,
                expected_seconds=best.seconds or None,
                limits=limits,
                here=here,
                owner=search.owner,
                group=search.id,
                repeat=True,
            )

    attempt(submit)


def _show_test(search: Search, best: SearchTrial) -> None:
    """Show the best trial's test accuracy on request, and what seeing it means for the search."""
    run = resources.find_run(best.run)
    accuracy = run.results.get("test_accuracy") if run else None
    if accuracy is None or is_working(search.id):
        return
    if search.test_shown is None:
        st.button(
            _("Look at its test accuracy, once"),
            icon=":material/fact_check:",
            key="show_test",
            on_click=attempt,
            args=(lambda: search.note_test_shown(best.number),),
            help=_("The search has not used the test set. Look when you are done, not to choose."),
        )
        return
    images = len(resources.dataset(search.plan.base.dataset).test)
    low, high = wilson_interval(round(accuracy * images), images)
    words = _("Test accuracy of trial {number}: {accuracy} (95% confidence interval {low} to {high}).")
    shares = {"accuracy": percent_text(accuracy), "low": percent_text(low), "high": percent_text(high)}
    sentences = [words.format(number=best.number, **shares)]
    if search.test_shown != best.number:
        words = _(
            "You looked at the test set before, at trial {number}, so this figure is no longer unbiased."
        )
        sentences.append(words.format(number=search.test_shown))
    st.markdown(sentences_text(sentences))


def _show_links(best: SearchTrial, trials: Sequence[SearchTrial]) -> None:
    config, run = best.config, resources.find_run(best.run)
    with st.container(horizontal=True, key="best_links"):
        if config:
            whole = RECIPES[config.recipe].config if config.recipe in RECIPES else config
            full = {**vars(config), "epochs": whole.epochs, "train_size": whole.train_size}
            words = _("Train these settings in full")
            with st.container(key="next_step", width="content"):  # style.css makes it a primary button
                link("pages/train.py", words, ":material/model_training:", **settings_to_query(full))
        if run and run.checkpoints:
            show_run_links(run)
            start = next((one for one in trials if one.is_start and one.number != best.number), None)
            if start and resources.find_run(start.run):
                words = _("Compare with the settings it began from")
                link("pages/compare.py", words, ":material/compare_arrows:", runs=f"{run.id},{start.run}")


def show_run_links(run: Run) -> None:
    """Show links for the run of a trial; before its first checkpoint there is nothing to evaluate."""
    link("pages/train.py", _("Learning curves"), ":material/show_chart:", run.id)
    if run.checkpoints:
        link("pages/evaluate.py", _("Evaluate it"), ":material/fact_check:", run.id)
        link("pages/inside.py", _("Look inside"), ":material/network_node:", run.id)


def show_list(searches: Sequence[Search], title: str) -> None:
    """Show the visitor's searches as buttons that open them."""
    if not searches:
        return
    st.subheader(title)
    for search in searches:
        trials = search.trials()
        best = search.best(trials)
        found = [_("best: {trial}").format(trial=trial_title(best[0]))] if best else []
        facts = [search_title(search), *found]
        st.button(
            escape_markdown(" · ".join(facts)),
            key=f"open_{search.id}",
            icon=":material/manage_search:",
            on_click=set_url_parameters,
            args=({STUDY_KEY: search.id},),
        )
