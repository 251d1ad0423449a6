"""Make a run the pretrained model: `python -m models.make RUN`.

Writes `models/pretrained/` (the run's settings, results, metrics and last checkpoint) and `models/README.md`,
the model card, with figures measured here and now.
"""

import argparse
import shutil
import sys

import numpy as np

from mnist_core.data.mnist import load_dataset, split_images
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.evaluation.metrics import Evaluation, evaluate
from mnist_core.messages import InputError
from mnist_core.recognition.calibration import REFUSED, Calibration, calibrate
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import Run
from mnist_core.runs.store import PRETRAINED, RunStore

MOST_BYTES = 2_000_000

CARD = """# The pretrained model

Reads one handwritten digit, 28 x 28 grey pixels made as MNIST's were. The Draw page uses it at first start.

| | |
|---|---|
| recipe | `{recipe}`: {architecture}, channels {channels}, {parameters:,} parameters |
| data | MNIST: {mnist_images:,} of its 60,000 training images; the last {validation:,} watched the training |
| with them | {written_images:,} digits of our own writing (`mnist_core/synthetic/generator.py`) |
| training | {epochs:g} epochs of batches of {batch_size}; {minutes:.0f} minutes on {threads} thread(s) |
| optimizer | {optimizer}, {schedule} up to {learning_rate:g}, label smoothing {smoothing:g}, seed {seed} |
| augmentation | {augmentation} |
| **test accuracy** | **{accuracy:.2%}** of {images:,} test images ({errors} errors) |
| test loss | {loss:.4f} |
| calibration | logits divided by {temperature:.3f}, fitted on the validation images |
| expected calibration error | {calibration_error:.2%} on the test images, of five views' mean |
| weakest digit | {weakest}, {recall:.2%} of them read right |
| file | {bytes:,} bytes, safetensors |

Made and measured by:

```
python -m mnist_core train --recipe {recipe} --seed {seed} --threads {threads}
python -m models.make last
```

The same processor and torch give the same weights again; others differ in the last decimals.

## The steps to it
Read right of 1,500 pen digits, none of which was trained on:

| | from strokes | from pixels | a 1 read as 7, from strokes | MNIST's test images |
|---|---:|---:|---:|---:|
| `best`: turned, moved, sheared and resized images | 98.1 % | 96.7 % | 14 | 99.74 % |
| `world`: and digits in the forms that MNIST lacks | 99.2 % | 98.9 % | 2 | 99.71 % |
| and five views of each drawing, averaged | 99.1 % | 98.8 % | 2 | not used there |

The first two are runs as trained (`python -m mnist_core train --recipe best --seed 0 --threads 1`, or
`world`), read by `python -m benchmarks.drawing --run last`; the third is the pretrained model, which is
calibrated, by `python -m benchmarks.drawing`. With the views 13 digits are read wrong, without them 12: they
bring nothing here that could be told from chance.

## What each ingredient brings
One thing changed at a time, four epochs instead of twelve:

| | from strokes | from pixels | a 1 read as 7, from strokes | MNIST's test images |
|---|---:|---:|---:|---:|
| `world` in four epochs | 98.9 % | 98.7 % | 1 | 99.65 % |
| no digits of our own writing: `--set written_share=0` | 97.7 % | 96.7 % | 19 | 99.67 % |
| ours all of one stroke width: `PENS = (2.1, 2.2, 2.3)` | 98.9 % | 97.3 % | 1 | 99.56 % |
| ours not bent: `JITTER = STROKE_JITTER = WOBBLE = 0.0` | 99.1 % | 98.3 % | 1 | 99.68 % |
| no affine variation: `--set augmentation=none` | 98.8 % | 98.4 % | 1 | 99.58 % |
| also elastic variation: `--set augmentation=elastic` | 98.7 % | 97.6 % | 1 | 99.28 % |
| and stroke width, of MNIST's images too: `--set augmentation=pens` | 98.9 % | 98.1 % | 1 | 99.44 % |

```
python -m mnist_core train --recipe world --epochs 4 --seed 0 --threads 1 [--set ...]
python -m benchmarks.drawing --run last
```

What is in capitals are constants of `mnist_core/synthetic/generator.py`. Our own digits bring the most: 16
errors by strokes instead of 35; their stroke widths bring as much by pixels, 20 instead of 41. What affine
variation brings, and bending our own digits, is within chance here (20 errors against 24 and 26). Elastic
variation of all images costs more than it brings in so few epochs, so the recipe leaves it out. One seed
each.

## Limits
- MNIST was written in the USA around 1990. What our own writing adds are the forms we know of, in
  `mnist_core/synthetic/glyphs.py`. A 1 whose upstroke hardly rises and a 7 whose bar does are one shape: a
  bar that rises by more than about 20 degrees is taken for an upstroke (`tests/core/test_pretrained.py`).
- "Not a digit" is told by a logistic regression on its last layer's inputs, learned from digits and from
  letters, shapes and scribbles of our own drawing (`mnist_core/synthetic/glyphs.py`), with the threshold
  that refuses {refused:.1%} of the validation images. What it was never shown, another script's characters
  say, may pass for a digit.
"""


def ship(run: Run, data: str | None = None) -> Evaluation:
    """Copy what a reader of the run needs, measure it on the MNIST in `data`, and write its card."""
    checkpoint = run.checkpoints[-1]
    size = checkpoint.stat().st_size
    if size > MOST_BYTES:
        raise InputError("{size:,} bytes are too many to ship; train fewer channels.", size=size)
    model, dataset = run.load_model(), load_dataset(data)
    if dataset.source != "mnist":
        raise InputError("A model is published as measured on MNIST, which is not here; see --data.")
    result = evaluate(model, dataset.test)
    splits = split_images(run.config, dataset)
    calibration = calibrate(model, splits.train, splits.validation)
    if PRETRAINED.exists():
        shutil.rmtree(PRETRAINED)
    (PRETRAINED / "checkpoints").mkdir(parents=True)
    for name in ("config.json", "run.json", "metrics.csv", f"checkpoints/{checkpoint.name}"):
        shutil.copyfile(run.folder / name, PRETRAINED / name)
    calibration.save(PRETRAINED)
    read = predict_all(model, list(dataset.test.images), calibration)
    honest = np.stack([prediction.probabilities for prediction in read])
    error = reliability(honest, dataset.test.labels).expected_error
    (PRETRAINED.parent / "README.md").write_text(_card(run, result, size, calibration, error))
    return result


def _card(run: Run, result: Evaluation, size: int, calibration: Calibration, error: float) -> str:
    weakest = min(result.per_class, key=lambda metrics: metrics.recall)
    config = run.config
    return CARD.format(
        **{name: run.results[name] for name in ("parameters", "epochs", "threads")},
        recipe=config.recipe,
        architecture=config.architecture,
        channels=", ".join(map(str, config.channels)),
        validation=config.validation_size,
        batch_size=config.batch_size,
        optimizer=config.optimizer,
        schedule=config.schedule,
        learning_rate=config.learning_rate,
        augmentation=config.augmentation,
        smoothing=config.label_smoothing,
        seed=config.seed,
        minutes=run.results["train_seconds"] / 60,
        accuracy=result.accuracy,
        images=len(result.labels),
        errors=len(result.errors),
        loss=result.loss,
        weakest=weakest.digit,
        recall=weakest.recall,
        bytes=size,
        temperature=calibration.temperature,
        calibration_error=error,
        refused=REFUSED,
        mnist_images=config.train_size - config.validation_size,
        written_images=run.results["train_images"] - config.train_size + config.validation_size,
    )


def main() -> None:
    """Ship the run named on the command line."""
    parser = argparse.ArgumentParser(description="Make a run the pretrained model.")
    parser.add_argument("run", help='an id, its beginning, or "last"')
    parser.add_argument("--runs", help="where runs are kept")
    parser.add_argument("--data", help="where MNIST is (else DIGITLAB_DATA)")
    options = parser.parse_args()
    try:
        result = ship(RunStore(options.runs).get(options.run), options.data)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(f"pretrained: {result.accuracy:.2%} of {len(result.labels):,} test images")


if __name__ == "__main__":
    main()
