"""The command `compare`, and the summary over seeds that `train --repeat` prints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnist_core.cli.commands import load_data, run_json
from mnist_core.cli.terminal import counting_bar
from mnist_core.runs.names import run_names, settings_name
from mnist_core.runs.run import Run
from mnist_core.runs.seed_variance import SeedSummary, compare_groups, group_by_seed, seed_summary
from mnist_core.runs.store import RunStore

if TYPE_CHECKING:
    from mnist_core.runs.comparison import Comparison, Score

JsonObject = dict[str, Any]
MOST_LISTED = 10  # image numbers per run; --json has all


def compare(options: argparse.Namespace) -> None:
    """Print two to eight runs side by side, each pair's test, and summaries over seeds."""
    from mnist_core.evaluation.metrics import evaluate
    from mnist_core.runs.comparison import check_comparable, compare_runs

    store = RunStore(options.runs)
    runs = [store.get(name) for name in options.run]
    dataset = load_data(options.data, runs[0].config.dataset)
    check_comparable(runs, dataset.source)
    models = [run.load_model() for run in runs]
    names = run_names(runs, store.list())
    comparison = compare_runs(
        runs,
        [evaluate(model, dataset.test) for model in counting_bar(models, "evaluating")],
        [str(names[run.id]) for run in runs],
    )
    groups = _groups(comparison)
    if options.json:
        print(json.dumps(_comparison_json(comparison) | groups))
    else:
        _print_comparison(comparison, groups)


def print_seed_summary(runs: Sequence[Run], as_json: bool) -> None:
    """Print mean and standard deviation over finished runs that differ only in their seed."""
    accuracies = [run.results["test_accuracy"] for run in runs if run.status == "finished"]
    summary = seed_summary(accuracies) if accuracies else None
    if as_json:
        answer = _summary_json(summary) if summary else None
        print(json.dumps({"runs": [run_json(run) for run in runs], "summary": answer}))
    elif summary:
        print(summary.statement)


def _groups(comparison: Comparison) -> JsonObject:
    """Return a summary of each group of runs that differ only in seed, and the tests between groups."""
    scores = {score.run.id: score for score in comparison.scores}
    groups = [
        [scores[run.id] for run in group] for group in group_by_seed([s.run for s in comparison.scores])
    ]
    repeated = [group for group in groups if len(group) > 1]
    summaries = [_group_json(group) | _summary_json(seed_summary(_accuracies(group))) for group in repeated]
    return {"groups": summaries, "group_tests": _group_tests(repeated)}


def _group_tests(groups: Sequence[Sequence[Score]]) -> list[JsonObject]:
    titles = [_title(group) for group in groups]
    tests = compare_groups([_accuracies(group) for group in groups], titles)
    return [
        {
            "groups": (titles[first], titles[second]),
            **asdict(result.test),
            "p_holm": result.p_holm,
            "statements": [str(said) for said in result.statements],
        }
        for (first, second), result in tests.items()
    ]


def _accuracies(group: Sequence[Score]) -> list[float]:
    return [score.accuracy for score in group]


def _title(group: Sequence[Score]) -> str:
    seeds = ", ".join(str(score.run.config.seed) for score in group)
    first = group[0].run
    return f"{first.metadata.name or settings_name(first.config)} (seeds {seeds})"


def _group_json(group: Sequence[Score]) -> JsonObject:
    return {"name": _title(group), "runs": [score.run.id for score in group]}


def _summary_json(summary: SeedSummary) -> JsonObject:
    return {**asdict(summary), "statement": str(summary.statement)}


def _comparison_json(comparison: Comparison) -> JsonObject:
    ids = [score.run.id for score in comparison.scores]
    return {
        "images": comparison.images,
        "runs": [{**score.row(), "right_alone": score.right_alone.tolist()} for score in comparison.scores],
        "settings": comparison.settings,
        "pairs": [
            {
                "first": ids[pair.first],
                "second": ids[pair.second],
                "only_first": pair.only_first.tolist(),
                "only_second": pair.only_second.tolist(),
                "p": pair.p,
                "p_holm": pair.p_holm,
                "statements": [str(said) for said in pair.statements],
            }
            for pair in comparison.pairs
        ],
        "notes": [str(note) for note in comparison.notes],
    }


def _print_comparison(comparison: Comparison, groups: JsonObject) -> None:
    print(f"{'run':16}  accuracy  95% interval     loss  parameters  trained in  images/s      bytes  name")
    for score in comparison.scores:
        print(_line(score))
    print()
    for score in comparison.scores:
        print(f"only {score.name} classifies correctly: {_first_few(score.right_alone.tolist())}")
    if comparison.settings:
        print("\nsettings that differ, in the order of the runs")
    for name, values in comparison.settings.items():
        print(f"  {name:16}", "  ".join(f"{value!s:14}" for value in values).rstrip())
    for pair in comparison.pairs:
        print()
        for said in pair.statements:
            print(said)
    for group in groups["groups"]:
        print(f"\n{group['name']}: {group['statement']}")
    for test in groups["group_tests"]:
        print()
        for said in test["statements"]:
            print(said)
    print()
    for note in comparison.notes:
        print(note)


def _first_few(images: Sequence[int]) -> str:
    more = f" and {len(images) - MOST_LISTED:,} more" if len(images) > MOST_LISTED else ""
    return (", ".join(map(str, images[:MOST_LISTED])) or "no image") + more


def _line(score: Score) -> str:
    def figure(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    low, high = score.interval
    accuracy = f"{score.run.id:16}  {score.accuracy:8.2%}  {low:.2%}-{high:.2%}  {score.loss:7.4f}"
    cost = f"{figure(score.parameters, ','):>10}  {figure(score.train_seconds, ',.1f') + ' s':>10}"
    speed = f"{figure(score.images_per_second, ',.0f'):>8}  {score.size:>9,}"
    return f"{accuracy}  {cost}  {speed}  {score.name}"
