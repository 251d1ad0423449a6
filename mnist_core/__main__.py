"""The command line: `python -m mnist_core`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from mnist_core import __version__
from mnist_core.cli import commands, compare, evaluate, own_data, predict, search, train
from mnist_core.cli.terminal import print_notice
from mnist_core.data.mnist import SPLITS
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.evaluation.robustness import IMAGES
from mnist_core.export.formats import EXPORT_FORMATS
from mnist_core.messages import InputError
from mnist_core.own_data.export_formats import DATA_FORMATS
from mnist_core.own_data.parts import TEST_SHARE
from mnist_core.recipes import RECIPES
from mnist_core.search.plan import AIMS, PRUNERS, SAMPLERS
from mnist_core.search.space import PRESETS, SETTINGS


class _Parser(argparse.ArgumentParser):
    """Prints an error as one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        print_notice(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after an error message on stderr.

    Ctrl-C returns 130, except during a training: there it only ends the training.
    """
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()
    except InputError as error:
        print_notice(str(error))
        return 2
    except BrokenPipeError:  # the reader of our output has closed it
        _discard_output()
    except OSError as error:  # a full disk, a folder that can't be written
        print_notice(f"System error: {error}.")
        _discard_output()
        return 2
    except KeyboardInterrupt:
        return 130  # the shells' exit code for Ctrl-C
    return 0


def _discard_output() -> None:
    """Redirect stdout to os.devnull; otherwise Python fails again when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mnist_core", description="Digit Lab without a browser.")
    parser.add_argument("--version", action="version", version=f"Digit Lab {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    adders = [_add_data, _add_recipes, _add_train, _add_continue, _add_evaluate, _add_predict, _add_runs]
    for add in (*adders, _add_compare, _add_search, _add_export, _add_import, _add_status):
        add(subparsers)
    return parser


def _add(subparsers: Any, name: str, command: Callable[..., None], about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=about, description=about)
    parser.set_defaults(command=command)
    parser.add_argument("--json", action="store_true", help="print JSON as the last thing on stdout")
    return parser


def _add_data_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="DIR", help="folder of the data sets (else DIGITLAB_DATA, data/, the cache)"
    )


def _add_dataset_option(parser: argparse.ArgumentParser, about: str, default: str | None = None) -> None:
    parser.add_argument("--dataset", choices=DATASETS, default=default, help=about)


def _add_runs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="DIR", help="folder of the runs (else DIGITLAB_RUNS, runs/)")


def _add_data(subparsers: Any) -> None:
    about = "Show which dataset is in use, and check its files."
    parser = _add(subparsers, "data", commands.show_data, about)
    _add_dataset_option(parser, "data set to show; it is downloaded if it isn't here", MNIST)
    _add_data_option(parser)
    actions = parser.add_subparsers(metavar="ACTION", parser_class=_Parser, title="own data sets")
    _add_own_data(actions)
    _add(actions, "list", own_data.show_sets, "List the own data sets.")
    _add_data_export(actions)
    delete = _add(actions, "delete", own_data.delete_sets, "Delete own data sets, in the trash for a day.")
    delete.add_argument("set", nargs="+", help="their keys or names")


def _add_own_data(actions: Any) -> None:
    about = "Read labelled images, mend and divide them, and keep them as a data set."
    parser = _add(actions, "add", own_data.add_set, about)
    parser.add_argument("name", help="how it is called in lists")
    source_help = (
        "a CSV, two IDX files, an NPZ, a zip or folder of pictures by class, or sheets that Draw saved"
    )
    parser.add_argument("source", nargs="+", help=source_help)
    columns = "of a CSV: a name of the first line, or a number from 1"
    parser.add_argument(
        "--label-column", default="", metavar="COLUMN", help=f"the column of labels {columns}"
    )
    parser.add_argument(
        "--writer-column", default="", metavar="COLUMN", help=f"the column of writers {columns}"
    )
    outside_help = "the folders of writers hold those of the classes, not the other way round"
    parser.add_argument("--writer-outside", action="store_true", help=outside_help)
    parser.add_argument("--transpose", action="store_true", help="exchange rows and columns")
    parser.add_argument("--turn", type=int, choices=(0, 90, 180, 270), default=0, help="degrees to the right")
    parser.add_argument("--invert", action="store_true", help="exchange paper and ink")
    parser.add_argument("--shift", type=int, default=0, metavar="N", help="add N, such as -1, to the labels")
    parser.add_argument("--classes", default="", metavar="A,B,...", help="names of the classes, in order")
    parser.add_argument(
        "--by-writer", action="store_true", help="no writer in two of training, validation, test"
    )
    share_help = "percent of the images for validation, and as many for the test (5 to 30)"
    parser.add_argument("--share", type=float, default=100 * TEST_SHARE, metavar="PERCENT", help=share_help)
    parser.add_argument("--seed", type=int, default=0, help="of the division")


def _add_data_export(actions: Any) -> None:
    about = "Take a data set or a sheet of drawings away, in one file that `data add` reads too."
    parser = _add(actions, "export", own_data.export_data, about)
    set_help = "a data set's key, an own one's name, or the file of a sheet that Draw saved"
    parser.add_argument("set", help=set_help)
    kinds = "; ".join(f"{name}: {form.label}" for name, form in DATA_FORMATS.items())
    parser.add_argument("--as", dest="kind", choices=DATA_FORMATS, default="csv", help=kinds)
    parser.add_argument("--out", metavar="FILE", help="where to write it (else here, named after the set)")
    _add_data_option(parser)


def _add_recipes(subparsers: Any) -> None:
    _add(subparsers, "recipes", commands.show_recipes, "List the recipes with their parameter counts.")


def _add_settings_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipe", choices=RECIPES, default="quick", help="start from this recipe's settings"
    )
    parser.add_argument("--config", metavar="FILE.json", help="start from exported settings instead")
    _add_dataset_option(parser, "data set to learn, with all of its images where the settings take all")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a setting, such as batch_size=64 or widths=64,32; repeatable. Settings and choices: "
        + train.settings_help(),
    )
    parser.add_argument("--epochs", type=int, help="number of passes over the training images")
    parser.add_argument("--seed", type=int, help="random seed; the same seed and threads repeat a run")


def _add_train(subparsers: Any) -> None:
    about = "Train a recipe and store the run; Ctrl-C ends the training and keeps its weights."
    parser = _add(subparsers, "train", train.train, about)
    _add_settings_options(parser)
    repeat_help = "train N runs with consecutive seeds; print mean and standard deviation"
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help=repeat_help)
    parser.add_argument("--threads", type=int, help="number of threads (else measured by a short trial)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    _add_data_option(parser)
    _add_runs_option(parser)


def _add_continue(subparsers: Any) -> None:
    about = "Continue a run that was paused, stopped, interrupted or finished."
    parser = _add(subparsers, "continue", train.continue_run, about)
    parser.add_argument("run", help='an id or its beginning, or "last"')
    parser.add_argument("--epochs", type=int, help="total number of epochs, including those done")
    _add_data_option(parser)
    _add_runs_option(parser)


def _add_evaluate(subparsers: Any) -> None:
    about = "Accuracy, metrics per class and confusion matrix of a run."
    parser = _add(subparsers, "evaluate", evaluate.evaluate_run, about)
    parser.add_argument("run", help='an id or its beginning, "last" or "pretrained"')
    parser.add_argument(
        "--robustness",
        dest="command",
        action="store_const",
        const=evaluate.show_robustness,
        help="instead: accuracy on corrupted and adversarial images; Ctrl-C prints the results so far",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="test",
        help="split to evaluate on: validation to choose between models, test for the final figure",
    )
    _add_dataset_option(parser, "try the run on another data set of the same classes")
    parser.add_argument("--images", type=int, default=IMAGES, help="for --robustness: number of images")
    parser.add_argument("--seed", type=int, default=0, help="for --robustness: random seed")
    _add_data_option(parser)
    _add_runs_option(parser)


def _add_compare(subparsers: Any) -> None:
    about = "Compare two to eight runs on the same test images: scores, differing settings and significance."
    parser = _add(subparsers, "compare", compare.compare, about)
    parser.add_argument("run", nargs="+", help='ids or their beginnings, "last" or "pretrained"')
    _add_data_option(parser)
    _add_runs_option(parser)


def _add_search(subparsers: Any) -> None:
    about = (
        "Search over settings, from a recipe's on: each trial is a run, judged on validation images. Ctrl-C "
        "sets the trials in training aside."
    )
    parser = _add(subparsers, "search", search.search, about)
    name_help = "name of the search: goes on with it where there is one, also beside other processes"
    parser.add_argument("--name", help=name_help)
    _add_settings_options(parser)
    presets = "; ".join(f"{name}: {preset.label}" for name, preset in PRESETS.items())
    parser.add_argument("--preset", choices=PRESETS, default="rate", help=f"settings to vary ({presets})")
    vary_help = (
        "vary a setting instead: learning_rate, learning_rate=0.001:2 or optimizer=sgd,adam; repeatable. "
        f"Settings: {', '.join(SETTINGS)}"
    )
    parser.add_argument("--vary", action="append", default=[], metavar="SETTING[=RANGE]", help=vary_help)
    parser.add_argument("--sampler", choices=SAMPLERS, default="tpe", help="how trials are chosen")
    parser.add_argument("--pruner", choices=PRUNERS, default="none", help="which trials are stopped early")
    aim_help = "what is best: validation accuracy; or with size also few parameters, a Pareto front"
    parser.add_argument("--aim", choices=AIMS, default="accuracy", help=aim_help)
    parser.add_argument("--trials", type=int, default=20, help="number of trials")
    parser.add_argument("--more", type=int, default=0, help="with --name: so many more trials than planned")
    minutes_help = "no trial begins after so many minutes of training; with --name: so many more, if spent"
    parser.add_argument("--minutes", type=float, help=minutes_help)
    parser.add_argument("--at-once", type=int, default=1, help="trials to train at the same time")
    parser.add_argument("--threads", type=int, help="most threads of each (else the cores are shared)")
    parser.add_argument("--sampler-seed", type=int, default=0, help="random seed of the sampler")
    _add_data_option(parser)
    _add_runs_option(parser)


def _add_predict(subparsers: Any) -> None:
    about = "Recognize digits, or what else a network knows, in pictures or pen strokes."
    parser = _add(subparsers, "predict", predict.predict_inputs, about)
    parser.add_argument(
        "image", nargs="*", help="pictures of one digit each: PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC"
    )
    row_help = "each input is a row of digits, from left to right"
    parser.add_argument("--row", action="store_true", help=row_help)
    strokes_help = 'a file with one line per digit: {"strokes": [[[x, y], ...], ...]}, or {"pixels": ...}'
    parser.add_argument("--strokes", metavar="FILE.jsonl", help=strokes_help)
    parser.add_argument(
        "--run", default="pretrained", help='the run whose model is used: an id, "last" or "pretrained"'
    )
    _add_runs_option(parser)


def _add_runs(subparsers: Any) -> None:
    about = "Apply changes to runs, then list all runs, newest first."
    parser = _add(subparsers, "runs", commands.show_runs, about)
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        nargs=2,
        metavar=("RUN", "NAME"),
        help="name a run; this option and those below are repeatable",
    )
    helps = {
        "pin": "never delete a run to stay within DIGITLAB_RUNS_LIMIT",
        "unpin": "undo --pin",
        "remove": "move a run to the trash",
        "restore": "restore a run from the trash, within a day",
        "cancel": 'stop a run that trains or waits, whoever began it; "all" stops all of them',
    }
    for name, text in helps.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar="RUN", help=text)
    use_help = "also list a code for the visitor whose run it is, and its megabytes"
    parser.add_argument("--use", action="store_true", help=use_help)
    _add_runs_option(parser)


def _add_export(subparsers: Any) -> None:
    about = "Export a run: training script, weights, ONNX model and other formats."
    parser = _add(subparsers, "export", commands.export_run, about)
    parser.add_argument("run", help='an id or its beginning, "last" or "pretrained"')
    parser.add_argument(
        "--as", dest="kind", choices=EXPORT_FORMATS, default="bundle", help="bundle is a zip of all formats"
    )
    parser.add_argument("--out", metavar="FILE", help="output file (else a name made from the run's name)")
    _add_runs_option(parser)


def _add_import(subparsers: Any) -> None:
    about = "Create a run from exported weights."
    parser = _add(subparsers, "import", commands.import_file, about)
    parser.add_argument("file", help="a .safetensors file")
    _add_runs_option(parser)


def _add_status(subparsers: Any) -> None:
    about = "Show versions, data, runs, and the servers that use this folder of runs with line and memory."
    parser = _add(subparsers, "status", commands.show_status, about)
    _add_data_option(parser)
    _add_runs_option(parser)


if __name__ == "__main__":
    sys.exit(main())
