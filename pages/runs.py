"""Runs: the visitor's trainings in a table, with names, pins, deletion and links."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urljoin

import streamlit as st

from mnist_core.runs.metadata import LONGEST_NAME
from mnist_core.runs.retention import are_lost_at_restart
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.runs.store import PROJECT
from ui import resources, visitor
from ui.html.tables import escape_markdown, markdown, table_html
from ui.i18n import date_text, duration_text, list_text, ngettext, sentences_text
from ui.i18n import gettext as _
from ui.navigation import link, run_through_entry
from ui.runs import changes
from ui.runs.changes import show_missing
from ui.runs.choice import FEWEST_COMPARED
from ui.runs.lists import choose_order, choose_runs, delete_several, ordered_runs, show_table
from ui.runs.names import names_of, run_name, settings_text
from ui.runs.progress import standing_text
from ui.url_state import MOST_COMPARED, RUN_KEY, current_run

SECONDS_BETWEEN_LOOKS = 2.0  # at the cluster's workers


def show_cluster() -> None:
    """Show the operator how many workers the cluster has, which are busy, and Dask's dashboard."""
    facts = resources.cluster_facts()
    workers = facts["cluster_workers"]
    count, busy = len(workers), sum(bool(worker["runs"] or worker["elsewhere"]) for worker in workers)
    said = [
        _("Cluster {address}: {busy} of {count} workers are busy, {free} free.").format(
            address=facts["cluster"], busy=busy, count=count, free=count - busy
        )
    ]
    if not facts["cluster_reachable"]:
        said.append(_("Its scheduler can't be reached."))
    shown, words = escape_markdown(sentences_text(said)), _("Dask's dashboard")
    if address := facts["cluster_dashboard"]:
        shown += f" [{words}]({address})"
    st.caption(shown)
    for reason in facts["cluster_refused"]:
        st.caption(markdown(reason))
    if workers:
        with st.expander(_("Workers"), icon=":material/dns:"):
            show_workers(workers)


def show_workers(workers: Sequence[Mapping[str, Any]]) -> None:
    """Show each worker of the cluster with what it trains, or that it is free."""
    runs = [run for worker in workers for run_id in worker["runs"] if (run := resources.find_run(run_id))]
    names = names_of(runs)
    head, words = [_("Worker"), _("Trains"), _("Address")], _("{host} ({device})")
    rows = [
        [
            words.format(host=worker["host"], device=worker["device"]),
            list_text(names.get(run_id, run_id) for run_id in worker["runs"])
            or (_("for another server") if worker["elsewhere"] else _("free")),
            worker["address"],
        ]
        for worker in workers
    ]
    st.html(
        table_html(
            head, rows, style="lab-words", words=_("The cluster's workers, and the run that each trains")
        )
    )


def show_empty() -> None:
    """Say what this page is for, and where to begin."""
    st.info(_("Every network you train is kept here. Train one first: the quick recipe takes seconds."))
    link("pages/train.py", _("Train a network"), ":material/model_training:")


def show_one(run: Run) -> None:
    """Show one run: what it is, where to go with it, and what can be done to it."""
    mine = visitor.owns(run)
    facts = [standing_text(run), settings_text(run.config), date_text(run.created)]
    if run.results.get("train_seconds"):
        facts.insert(1, duration_text(run.results["train_seconds"]))
    st.markdown(" · ".join(map(escape_markdown, filter(None, facts))))
    with st.container(horizontal=True):
        link("pages/train.py", _("Learning curves and settings"), ":material/show_chart:", run.id)
        if run.checkpoints:
            link("pages/evaluate.py", _("Evaluate it"), ":material/fact_check:", run.id)
            link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:", run.id)
            link("pages/compare.py", _("Compare with other runs"), ":material/compare_arrows:", run.id)
    if not mine:
        st.caption(_("This run was opened by a link: only its owner can rename, pin or delete it."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_changes(run, mine)
    st.caption(_("Link to this run and its settings; everyone with the link can view the run:"))
    st.code(address(run), language=None, wrap_lines=True)


def show_changes(run: Run, mine: bool) -> None:
    """Show the controls that name, pin and delete a run."""
    name, pinned = f"name_{run.id}", f"pinned_{run.id}"
    for key, value in ((name, run.metadata.name), (pinned, run.metadata.pinned)):
        if st.session_state.get(key) != value:
            st.session_state[key] = value
    st.text_input(
        _("Name"),
        key=name,
        placeholder=run_name(run),
        max_chars=LONGEST_NAME,
        on_change=changes.rename,
        args=(run.id, name),
        disabled=not mine,
        width=320,
    )
    st.toggle(
        _("Pinned"),
        key=pinned,
        on_change=changes.pin,
        args=(run.id, pinned),
        disabled=not mine,
        help=_("A pinned run is first in the list, and is kept when the server runs short of space."),
    )
    st.button(
        _("Delete"),
        icon=":material/delete:",
        on_click=changes.remove,
        args=({run.id: run_name(run)},),
        disabled=not changes.may_delete(run),
        help=_("Stop the training first.") if run.status in UNFINISHED else None,
    )


def address(run: Run) -> str:
    """Return a link to a run's page."""
    return urljoin(st.context.url or "/", "train") + "?" + urlencode({RUN_KEY: run.id})


def show_several(runs: Sequence[Run]) -> None:
    """Show what can be done to several runs at once."""
    mine = [run for run in runs if visitor.owns(run)]
    deletable = [run for run in runs if changes.may_delete(run)]
    with st.container(horizontal=True, vertical_alignment="center", key="several_runs"):
        comparable = [run.id for run in runs if run.checkpoints]
        if FEWEST_COMPARED <= len(comparable) <= MOST_COMPARED:
            words = ngettext("Compare {count} run", "Compare {count} runs", len(comparable))
            label, icon = words.format(count=len(comparable)), ":material/compare_arrows:"
            link("pages/compare.py", label, icon, runs=",".join(comparable), part="curves")
        ids = [run.id for run in mine]
        for label, icon, pinned in ((_("Pin"), "keep", True), (_("Unpin"), "keep_off", False)):
            st.button(
                label,
                icon=f":material/{icon}:",
                on_click=changes.pin_all,
                args=(ids, pinned),
                disabled=not mine,
            )
        names = names_of(deletable)
        words = ngettext("Delete {count} run", "Delete {count} runs", len(deletable))
        st.button(
            words.format(count=len(deletable)),
            icon=":material/delete:",
            on_click=delete_several,
            args=(names,),
            disabled=not deletable,
        )
    if len(comparable) > MOST_COMPARED:
        st.caption(_("At most {count} runs can be compared at once.").format(count=MOST_COMPARED))
    if len(deletable) < len(mine):
        st.caption(_("Runs that wait or train are not deleted; stop them first."))
    if len(mine) < len(runs):
        st.caption(_("Runs that were opened by a link are neither pinned nor deleted: only their owner can."))


run_through_entry()
st.markdown(
    _(
        "Your training runs. Click one to rename, pin, evaluate or continue it; tick several to compare, pin "
        "or delete them."
    )
)
if visitor.could_be_local():
    st.caption(
        _(
            "You see your own runs only, as other machines can reach this server. Started with "
            "`--server.address=localhost`, it shows all runs, those of the command line too, and nothing "
            "is limited for the sake of others."
        )
    )
if not visitor.is_private() and resources.cluster_facts():
    st.fragment(show_cluster, run_every=SECONDS_BETWEEN_LOOKS)()
if are_lost_at_restart(PROJECT):
    st.caption(
        ":material/warning: "
        + _(
            "This server loses all runs when it sleeps or is updated. Export those that you want to keep, on "
            "the Train page: their weights can be imported again."
        )
    )
show_missing([current_run()], _("Your other runs are listed here."))
listed = ordered_runs()
if not listed:
    changes.show_undo()
    show_empty()
    st.stop()
choose_order()
show_table(listed)
chosen = choose_runs(listed)
changes.show_undo()  # where the Delete button was
if len(chosen) == 1:
    show_one(chosen[0])
elif chosen:
    show_several(chosen)
