"""The command line: `python -m mnist_core`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from mnist_core import __version__
from mnist_core.cli import commands, compare, evaluate, predict, train
from mnist_core.cli.terminal import complain
from mnist_core.data.mnist import SPLITS
from mnist_core.evaluation.robustness import IMAGES
from mnist_core.export.formats import EXPORT_FORMATS
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runtime.process import configure_process


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after one sentence on stderr when the input can't be used.

    Ctrl-C gives 130, except while a network trains: that ends the training only.
    """
    configure_process()
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()
    except InputError as error:
        complain(str(error))
        return 2
    except BrokenPipeError:  # whoever read our output has gone
        _write_no_more()
    except OSError as error:  # a full disk, a folder that can't be written
        complain(f"The system says: {error}.")
        _write_no_more()
        return 2
    except KeyboardInterrupt:
        return 130  # as shells have it
    return 0


def _write_no_more() -> None:
    """Send stdout to nowhere: at its end Python would write once more what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mnist_core", description="Digit Lab without a browser.")
    parser.add_argument("--version", action="version", version=f"Digit Lab {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    adders = [_add_data, _add_recipes, _add_train, _add_continue, _add_evaluate, _add_predict, _add_runs]
    for add in (*adders, _add_compare, _add_export, _add_import):
        add(subparsers)
    return parser


def _add(subparsers: Any, name: str, command: Callable[..., None], about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=about, description=about)
    parser.set_defaults(command=command)
    parser.add_argument("--json", action="store_true", help="print JSON as the last thing on stdout")
    return parser


def _takes_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="where MNIST is (else DIGITLAB_DATA, data/, the cache)")


def _takes_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="DIR", help="where runs are kept (else DIGITLAB_RUNS, runs/)")


def _add_data(subparsers: Any) -> None:
    about = "Say which images are in use, and check their files."
    _takes_data(_add(subparsers, "data", commands.show_data, about))


def _add_recipes(subparsers: Any) -> None:
    _add(subparsers, "recipes", commands.show_recipes, "List the recipes with their parameter counts.")


def _add_train(subparsers: Any) -> None:
    about = "Train a recipe and keep the run; Ctrl-C keeps what was learned."
    parser = _add(subparsers, "train", train.train, about)
    parser.add_argument("--recipe", choices=RECIPES, default="quick", help="the settings to start from")
    parser.add_argument("--config", metavar="FILE.json", help="or settings that were exported")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a setting, like batch_size=64 or widths=64,32; may be repeated. Settings and choices: "
        + train.settings_help(),
    )
    parser.add_argument("--epochs", type=int, help="how many times to see every training image")
    parser.add_argument("--seed", type=int, help="repeats a run, with the same threads")
    repeat_help = "train N times, each with the next seed, and tell mean and spread"
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help=repeat_help)
    parser.add_argument("--threads", type=int, help="how many threads to use (else by a short trial)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    _takes_data(parser)
    _takes_runs(parser)


def _add_continue(subparsers: Any) -> None:
    about = "Train a run further, from where it was paused, stopped, interrupted or finished."
    parser = _add(subparsers, "continue", train.continue_run, about)
    parser.add_argument("run", help='an id or its beginning, or "last"')
    parser.add_argument("--epochs", type=int, help="epochs in all, counted from its beginning")
    _takes_data(parser)
    _takes_runs(parser)


def _add_evaluate(subparsers: Any) -> None:
    about = "Accuracy, metrics per digit and confusion matrix of a run."
    parser = _add(subparsers, "evaluate", evaluate.evaluate_run, about)
    parser.add_argument("run", help='an id or its beginning, "last" or "pretrained"')
    parser.add_argument(
        "--robustness",
        dest="command",
        action="store_const",
        const=evaluate.show_robustness,
        help="instead: accuracy on images that are corrupted or attacked; Ctrl-C prints what is done",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="test",
        help="judge by these images: the test images are for the end, validation ones to choose by",
    )
    parser.add_argument("--images", type=int, default=IMAGES, help="for --robustness: on how many images")
    parser.add_argument("--seed", type=int, default=0, help="for --robustness: repeats its random draws")
    _takes_data(parser)
    _takes_runs(parser)


def _add_compare(subparsers: Any) -> None:
    about = (
        "Two to eight runs on the same test images: figures, settings that differ, and what chance explains."
    )
    parser = _add(subparsers, "compare", compare.compare, about)
    parser.add_argument("run", nargs="+", help='ids or their beginnings, "last" or "pretrained"')
    _takes_data(parser)
    _takes_runs(parser)


def _add_predict(subparsers: Any) -> None:
    about = "Read digits from pictures or pen strokes."
    parser = _add(subparsers, "predict", predict.predict_inputs, about)
    parser.add_argument("image", nargs="*", help="PNG or JPEG pictures, one digit each")
    row_help = "read each as a row of digits, from left to right"
    parser.add_argument("--row", action="store_true", help=row_help)
    strokes_help = 'a file with a line for each digit: {"strokes": [[[x, y], ...], ...]}, or {"pixels": ...}'
    parser.add_argument("--strokes", metavar="FILE.jsonl", help=strokes_help)
    parser.add_argument("--run", default="pretrained", help='which run reads: an id, "last" or "pretrained"')
    _takes_runs(parser)


def _add_runs(subparsers: Any) -> None:
    about = "List the runs, newest first, after changing some."
    parser = _add(subparsers, "runs", commands.show_runs, about)
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        nargs=2,
        metavar=("RUN", "NAME"),
        help="give a run a name; this and the others may be repeated",
    )
    helps = {
        "pin": "keep a run when room gets short (DIGITLAB_RUNS_LIMIT)",
        "unpin": "let it go again",
        "remove": "move a run to the trash",
        "restore": "bring it back from there, within a day",
    }
    for name, text in helps.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar="RUN", help=text)
    _takes_runs(parser)


def _add_export(subparsers: Any) -> None:
    about = "Take a run away: as a training script, weights, an ONNX model and more."
    parser = _add(subparsers, "export", commands.export_run, about)
    parser.add_argument("run", help='an id or its beginning, "last" or "pretrained"')
    parser.add_argument(
        "--as", dest="kind", choices=EXPORT_FORMATS, default="bundle", help="bundle is a zip of all"
    )
    parser.add_argument("--out", metavar="FILE", help="what to write (else a name made of the run's)")
    _takes_runs(parser)


def _add_import(subparsers: Any) -> None:
    about = "Make a run of weights that were exported, here or elsewhere."
    parser = _add(subparsers, "import", commands.import_file, about)
    parser.add_argument("file", help="a .safetensors file")
    _takes_runs(parser)


if __name__ == "__main__":
    sys.exit(main())
