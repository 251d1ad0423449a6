"""Export of a run as a training script: one Python file that needs only torch and torchvision."""

from __future__ import annotations

import inspect
import math
import textwrap
from importlib.metadata import PackageNotFoundError, version
from string import Template
from typing import TYPE_CHECKING

from mnist_core.choices import INITIALIZATIONS, INPUT_SCALINGS, OPTIMIZERS
from mnist_core.data.published_files import PUBLISHED
from mnist_core.dataset_choices import DATASETS, MNIST, is_own_key, number_of_classes
from mnist_core.export import script_templates as text
from mnist_core.export.script_augmentation import augmentation_settings, augmentation_source
from mnist_core.export.script_facts import gather_facts
from mnist_core.messages import N_, InputError
from mnist_core.runs.names import origin_label, title

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.config import TrainConfig
    from mnist_core.export.script_facts import ScriptFacts
    from mnist_core.runs.run import Run

Setting = tuple[str, object, str]  # name, value, comment (may be empty)
INDENT = "    "
ALWAYS_WRITTEN = {"p"}  # nn.Dropout's, even at its default
MOST_POSITIONAL = 2  # positional arguments, as in nn.Conv2d(1, 32, kernel_size=3)


def training_script(run: Run) -> str:
    """Return a script that trains the network of `run` and prints its test accuracy and loss.

    On the same machine, versions and threads they are the run's to the last digit; on CUDA and MPS, where
    torch does not promise that, nearly so. The script of a stopped run stops at the same step. Raises
    InputError for a run on the offline sample, which torchvision can't fetch.
    """
    check_script(run)
    facts = gather_facts(run)
    sections = (_settings, _data, _network, _optimizer, _augmentation, _helpers, _training)
    body = "".join(section(facts) for section in sections)
    return _docstring(run) + _imports(body, run.config.dataset) + body


def check_script(run: Run) -> None:
    """Raise InputError if a script can't repeat `run`."""
    if run.results.get("source") == "sample":
        raise InputError(
            N_(
                "This run was trained on the offline sample, which a script can't download; train one "
                "on MNIST."
            )
        )
    if run.results.get("fine_tuned"):
        raise InputError(
            N_(
                "This run was fine-tuned on handwriting that a script does not have; export its "
                "weights instead."
            )
        )
    if run.results.get("operated"):
        raise InputError(
            N_("The weights of this run were changed by hand, not trained; export its weights instead.")
        )
    if run.config.written_share:
        raise InputError(
            N_(
                "This run was trained with synthetic digits, which a script can't generate; train one "
                "without them."
            )
        )


def _docstring(run: Run) -> str:
    dataset = run.config.dataset
    data = DATASETS[dataset].label
    label, name = str(origin_label(run.config)), title(run.config)
    outcome = ""
    if "test_accuracy" in run.results:
        outcome = (
            f"Its run had a test accuracy of {run.results['test_accuracy']:.2%} and a test loss of "
            f"{run.results['test_loss']}; on the same machine, with these versions and this number of "
            "threads, the script gives the same to the last digit."
        )
    about = (
        f"FOLDER holds {_whose_files(dataset)}: data in the folder you are in, unless you name another. "
        f"Written by Digit Lab. Settings: {name}. {outcome}"
    )
    words = Template(text.DOCSTRING).substitute(
        title=f"{label}, changed" if name != label else label,
        what="to read handwritten digits" if dataset == MNIST else data,
        torch=_pinned("torch"),
        torchvision=_pinned("torchvision"),
        about=textwrap.fill(about, text.MOST_COLUMNS),
    )
    return words.replace("\\", "\\\\")  # a data set may be called C:\Users


def _whose_files(dataset: str) -> str:
    name = DATASETS[dataset].label
    own = f"the IDX files of {name}, which the page Data of Digit Lab offers as a download"
    return own if is_own_key(dataset) else f"{name}, or gets it"


def _pinned(package: str) -> str:
    """Return pip's requirement for `package`, pinned to the installed version if there is one."""
    try:
        return f"{package}=={version(package).partition('+')[0]}"
    except PackageNotFoundError:
        return package


def _imports(body: str, dataset: str) -> str:
    """Return the import lines that `body` needs."""
    return Template(text.IMPORTS).substitute(
        math="import math\n" if "math." in body else "",
        os="import os\n" if "os.makedirs" in body else "",
        numpy="import numpy as np\n" if "np.array" in body else "",
        pillow="from PIL import Image\n" if "Image.fromarray" in body else "",
        dataset=text.OWN_READERS if is_own_key(dataset) else f" import {_torchvision_class(dataset)}",
    )


def _torchvision_class(dataset: str) -> str:
    """Return the name of a data set's class in torchvision.datasets."""
    return "MNIST" if dataset == MNIST else PUBLISHED[dataset].folder.parts[0]


def _opened(dataset: str) -> str:
    """Return the source that opens a data set's training and test images."""
    if is_own_key(dataset):
        return text.OPENED_OWN
    family, _, part = dataset.partition("-")
    if family == "emnist":
        source = text.OPENED_EMNIST + (text.FROM_ZERO if part == "letters" else "")
        return Template(source).substitute(part=part)
    special = {"qmnist": text.OPENED_QMNIST, "usps": text.OPENED_USPS}
    return special.get(dataset) or Template(text.OPENED).substitute(dataset=_torchvision_class(dataset))


def _settings(facts: ScriptFacts) -> str:
    config = facts.config
    scaling = INPUT_SCALINGS[config.input_scaling]
    data = DATASETS[config.dataset]
    images = data.images[0]
    settings: list[Setting | None] = [
        ("SEED", config.seed, ""),
        ("THREADS", facts.threads, ""),
        ("DEVICE", facts.device, "") if facts.device != "cpu" else None,
        ("TRAIN_IMAGES", facts.train_images, f"the first of {data.label}'s {images:,}"),
        ("VALIDATION_IMAGES", _validation_images(config), f"the last of the {images:,}")
        if config.monitor == "validation"
        else None,
        ("MEAN", scaling.mean, "subtracted from pixels scaled to 0..1"),
        ("STD", scaling.std, "divides the result"),
        *augmentation_settings(facts),
        ("BATCH_SIZE", config.batch_size, ""),
        ("EPOCHS", facts.changes[-1].epochs, ""),
        ("STEPS_PER_EPOCH", facts.steps_per_epoch, "TRAIN_IMAGES / BATCH_SIZE, rounded up")
        if facts.needs_steps
        else None,
        ("LAST_STEP", facts.last_step, "the run was stopped here") if facts.last_step else None,
        ("LEARNING_RATE", facts.changes[0].learning_rate, ""),
        ("MOMENTUM", config.momentum, "") if OPTIMIZERS[config.optimizer].uses_momentum else None,
        ("WEIGHT_DECAY", config.weight_decay, "") if facts.decays else None,
        ("LARGEST_NORM", config.gradient_clipping, "of a step's gradient, all layers together")
        if config.gradient_clipping
        else None,
        ("LABEL_SMOOTHING", config.label_smoothing, "") if config.label_smoothing else None,
    ]
    return "".join(_setting(*setting) for setting in settings if setting) + _phases(facts)


def _validation_images(config: TrainConfig) -> int:
    data = DATASETS[config.dataset]
    return min(config.validation_size, data.validation) if data.divided else config.validation_size


def _phases(facts: ScriptFacts) -> str:
    """Return the table of what was changed during the training; empty if nothing was."""
    rows: list[str] = []
    before: tuple[object, ...] = ()
    for change in facts.changes:
        values = tuple(getattr(change, name) for name in facts.phase_columns)
        if values != before:
            columns = zip(("step", *facts.phase_columns), (change.step, *values), strict=True)
            rows.append(text.dict_row(dict(columns)))
        before = values
    return text.PHASES + "".join(rows) + "]\n" if facts.phase_columns else ""


def _setting(name: str, value: object, comment: str) -> str:
    return f"{name} = {text.literal(value)}" + (f"  # {comment}" if comment else "") + "\n"


def _data(facts: ScriptFacts) -> str:
    watched = text.WATCHED_TEST if facts.config.monitor == "test" else text.WATCHED_VALIDATION
    dataset = facts.config.dataset
    return Template(text.DATA).substitute(
        watched=watched,
        to_device=_to_device(facts),
        opened=_opened(dataset),
        last=number_of_classes(dataset) - 1,
    )


def _network(facts: ScriptFacts) -> str:

    entry, to_device = INITIALIZATIONS[facts.config.initialization], _to_device(facts)
    return Template(text.NETWORK if entry.function is None else text.INITIALIZED_NETWORK).substitute(
        classes="".join(source for name, source in text.OUR_LAYERS.items() if facts.has_layer(name)),
        network=network_source(facts.model.network),
        initialize=entry.function,
        options="".join(f", {name}={value!r}" for name, value in entry.options.items()),
        to_device=to_device,
        move=f"network{to_device}\n" if to_device else "",
        layout=text.CHANNELS_LAST if facts.model.convolutional else "",
    )


def _optimizer(facts: ScriptFacts) -> str:
    config, entry = facts.config, OPTIMIZERS[facts.config.optimizer]
    options = ["lr=LEARNING_RATE"]
    options += ["weight_decay=WEIGHT_DECAY"] if facts.decays else []
    options += ["momentum=MOMENTUM"] if entry.uses_momentum else []
    options += ["nesterov=True"] if entry.nesterov else []
    options += ["fused=True"] if entry.fused else []
    source = text.CRITERION + (text.MUON if facts.muon else text.OPTIMIZER)
    source += text.PHASE_AT if facts.phase_columns else ""
    if facts.changes_rate:
        source += text.SCHEDULES[config.schedule] + _set_rate(facts)
    source += _change_settings(facts)
    return Template(source).substitute(
        loss="NLLLoss" if config.loss == "nll" else "CrossEntropyLoss",
        smoothing="label_smoothing=LABEL_SMOOTHING" if config.label_smoothing else "",
        cls=entry.torch_class,
        options="".join(f"    {option},\n" for option in options),
    )


def _set_rate(facts: ScriptFacts) -> str:
    """Return the source of the function that sets each optimizer's learning rate for a step."""
    constant = facts.config.schedule == "constant"
    if "learning_rate" in facts.phase_columns:
        rate = text.PHASE_RATE if constant else text.SCHEDULED_PHASE_RATE
    else:
        rate = text.SCHEDULED_RATE
    return text.SET_RATE + rate + (text.USE_RATE_MUON if facts.muon else text.USE_RATE)


def _change_settings(facts: ScriptFacts) -> str:
    """Return the source of the function that sets what was changed besides rate and augmentation."""
    lines = ""
    for setting in ("momentum", "weight_decay"):
        if facts.varies(setting):
            both = facts.muon and setting != "momentum"  # AdamW has none
            names = ("muon", "adamw") if both else ("muon",) if facts.muon else ("optimizer",)
            for name in names:
                lines += Template(text.CHANGE_GROUP).substitute(optimizer=name, setting=setting)
    lines += text.CHANGE_SMOOTHING if facts.varies("label_smoothing") else ""
    lines += text.CHANGE_DROPOUT if facts.varies("dropout") else ""
    return text.CHANGE_SETTINGS + lines if lines else ""


def _augmentation(facts: ScriptFacts) -> str:
    return augmentation_source(facts, _to_device(facts))


def _helpers(facts: ScriptFacts) -> str:
    """Return the source of the functions that the training loop calls."""
    from mnist_core.training.batches import piece_size

    source = text.IN_PARTS if facts.in_parts else ""
    source += text.FORWARD_BFLOAT16 if facts.bfloat16 else ""
    tests_alone = facts.threads > 1 and facts.device == "cpu"
    return Template(source + text.EVALUATE).substitute(
        most=f"{piece_size(facts.config):_}",
        device='"cpu"' if facts.device == "cpu" else "DEVICE",
        **_forward(facts, training=False),
        alone=text.ALONE if tests_alone else "",
        together=text.TOGETHER if tests_alone else "",
        to_device=_to_device(facts),
        to_cpu=".cpu()" if _to_device(facts) else "",
    )


def _training(facts: ScriptFacts) -> str:
    """Return the source of the training loop and of the evaluation before and after it."""
    config = facts.config
    generators = [
        text.LAYERS_GENERATOR if facts.random_layers else "",
        text.SHUFFLING if config.shuffle else "",
        text.VARYING if _augments(facts) else "",
    ]
    return Template(text.TRAINING).substitute(
        watched="test" if config.monitor == "test" else "validation",
        generators="".join(generators),
        epochs=math.ceil(facts.last_step / facts.steps_per_epoch) if facts.last_step else "EPOCHS",
        batches=_batches(facts),
        steps=_steps(facts),
    )


def _augments(facts: ScriptFacts) -> bool:
    return any(change.augmentation != "none" for change in facts.changes)


def _batches(facts: ScriptFacts) -> str:
    """Return the source that creates an epoch's batches: order and augmentation."""
    config = facts.config
    if not config.shuffle and not _augments(facts):
        return text.IN_ORDER
    block = text.BLOCKS_IN_PARTS if facts.in_parts else text.BLOCKS
    varied = text.VARIED.replace("$blocks", block) if _augments(facts) else text.NOT_VARIED
    if facts.varies("augmentation"):
        varied = text.VARIED_BY_STEP
    return Template(text.GATHERED.replace("${vary}", varied)).substitute(
        batches=facts.block_size // config.batch_size,
        order=text.RANDOM_ORDER if config.shuffle else text.SAME_ORDER,
        size=f"{facts.block_size:_}",
        to_device=_to_device(facts),
    )


def _steps(facts: ScriptFacts) -> str:
    """Return the source of the loop over the batches."""
    source = text.EACH_STEP if facts.needs_steps else text.EACH_BATCH
    source += text.STOP if facts.last_step else ""
    source += text.CHANGE if _change_settings(facts) else ""
    source += text.GRADIENTS_IN_PARTS if facts.in_parts else text.GRADIENTS
    source += text.SET_LEARNING_RATE if facts.changes_rate else ""
    source += text.CLIP if facts.config.gradient_clipping else ""
    source += text.STEP_MUON if facts.muon else text.STEP
    return Template(source).substitute(_forward(facts, training=True))


def _forward(facts: ScriptFacts, training: bool) -> dict[str, str]:
    """Return the source text before and after the images in the expression for their logits."""
    if training and facts.bfloat16:
        return {"forward": "forward", "close": ""}
    return {"forward": "network(scale", "close": ")"}


def _to_device(facts: ScriptFacts) -> str:
    return "" if facts.device == "cpu" else ".to(DEVICE)"


def network_source(module: nn.Module, depth: int = 0) -> str:
    """Return the expression that builds `module`, in the style of `ruff format`.

    Layers of torch.nn are written `nn.X`, our own by their class name. Arguments at their defaults and
    identities in an nn.Sequential are omitted. Modules must keep their constructor's arguments in attributes
    of the same names, as those of torch.nn do.
    """
    from torch import nn

    children = list(module.children())
    if not children:
        return f"{_name(module)}({', '.join(_arguments(module))})"
    if isinstance(module, nn.Sequential):
        children = [child for child in children if not isinstance(child, nn.Identity)]
    inner = INDENT * (depth + 1)
    arguments = [*(network_source(child, depth + 1) for child in children), *_arguments(module)]
    lines = "".join(f"{inner}{argument},\n" for argument in arguments)
    return f"{_name(module)}(\n{lines}{INDENT * depth})"


def _name(module: nn.Module) -> str:
    kind = type(module)
    return f"nn.{kind.__name__}" if kind.__module__.startswith("torch.nn.") else kind.__name__


def _arguments(module: nn.Module) -> list[str]:
    """Return the arguments of `module`'s constructor that are no modules."""
    arguments = []
    children = dict(module.named_children())
    for place, parameter in enumerate(inspect.signature(type(module)).parameters.values()):
        if not hasattr(module, parameter.name) or parameter.name in children:
            continue
        value = _value(module, parameter.name)
        if value == _default(module, parameter) and parameter.name not in ALWAYS_WRITTEN:
            continue
        positional = parameter.default is parameter.empty and place < MOST_POSITIONAL
        arguments.append(repr(value) if positional else f"{parameter.name}={value!r}")
    return arguments


def _value(module: nn.Module, name: str) -> object:
    """Return a constructor argument's value: (3, 3) as 3, and for `bias` whether there is one."""
    value = getattr(module, name)
    if name == "bias":
        return value is not None
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _default(module: nn.Module, parameter: inspect.Parameter) -> object:
    """Return the argument's effective default: for a pooling's stride, the kernel size."""
    if parameter.name == "stride" and parameter.default is None:
        return _value(module, "kernel_size")
    return parameter.default
