"""The commands `data add`, `data list`, `data delete` of own data sets, and `data export` of any data."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_core.cli.commands import load_data, print_json
from mnist_core.cli.terminal import plain, print_notice, progress_bar
from mnist_core.data.mnist import Split
from mnist_core.data.own_sets import NewSet, OwnSet, delete_set, find_set, list_sets, save_set
from mnist_core.dataset_choices import DATASETS, DIGITS
from mnist_core.messages import InputError
from mnist_core.own_data.export_formats import DATA_FORMATS, sheet_split, write_data
from mnist_core.own_data.mends import Mends, look_inverted
from mnist_core.own_data.own_images import OwnImages
from mnist_core.own_data.parts import draw_parts
from mnist_core.own_data.pictures import drawings_of
from mnist_core.own_data.reading import ReadingChoices, read_source
from mnist_core.own_data.source_files import files_at
from mnist_core.runtime.files import written_whole


def add_set(options: argparse.Namespace) -> None:
    """Read a source, mend it as the options say, divide it, and save it; print its key."""
    choices = ReadingChoices(options.label_column, options.writer_column, options.writer_outside)
    own = _read([Path(path) for path in options.source], choices)
    classes = tuple(name.strip() for name in options.classes.split(",")) if options.classes else ()
    own = Mends(options.transpose, options.turn // 90, options.invert, options.shift, classes).apply(own)
    if look_inverted(own.images):
        print_notice("These images look inverted: the paper is bright and the ink dark; see --invert.")
    share = options.share / 100
    parts = draw_parts(own, options.seed, options.by_writer, share, share)
    source = ", ".join(Path(path).name for path in options.source[:3])
    new = NewSet(own.images, own.labels, own.classes, *parts, by_writer=options.by_writer, source=source)
    saved = save_set(new, options.name)
    if options.json:
        return print_json(set_json(saved))
    print(plain(set_line(saved)))
    print(f"train on it with: python -m mnist_core train --dataset {saved.key}")


def _read(paths: list[Path], choices: ReadingChoices) -> OwnImages:
    steps = read_source(files_at(paths), choices)
    with progress_bar("reading images") as show:
        while True:
            try:
                fraction, _ = next(steps)
            except StopIteration as end:
                own: OwnImages = end.value
                break
            show(fraction)
    for note in own.notes:
        print_notice(str(note))
    return own


def show_sets(options: argparse.Namespace) -> None:
    """List the own data sets, the newest first."""
    sets = list_sets()
    if options.json:
        return print_json({"sets": [set_json(own) for own in sets]})
    for own in sets:
        print(plain(set_line(own)))
    if not sets:
        print("no data sets yet; `python -m mnist_core data add NAME SOURCE` makes one")


def delete_sets(options: argparse.Namespace) -> None:
    """Delete own data sets by key or name."""
    sets = [find_set(text) for text in options.set]
    for own in sets:
        delete_set(own.key)
    if options.json:
        return print_json({"deleted": [own.key for own in sets]})
    for own in sets:
        print(plain(f"deleted {own.key} ({own.name})"))


def export_data(options: argparse.Namespace) -> None:
    """Write a data set, or a sheet of drawings, to a file in one of the export formats."""
    splits, classes = _to_export(options.set, options.data)
    ending, stem = DATA_FORMATS[options.kind].ending, Path(options.set).stem
    path = Path(options.out or f"{stem}-{options.kind}.{ending}")
    try:
        with written_whole(path) as file, progress_bar(f"writing {path.name}") as show:
            for fraction, _ in write_data(file, splits, classes, options.kind):
                show(fraction)
    except OSError as error:
        raise InputError(
            "{path} can't be written ({why}); name another file with --out.", path=path, why=error.strerror
        ) from error
    count, size = sum(map(len, splits.values())), path.stat().st_size
    if options.json:
        return print_json({"set": options.set, "as": options.kind, "file": str(path), "images": count})
    print(plain(f"{path}: {count:,} images, {size:,} bytes"))


def _to_export(name: str, directory: str | None) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Return the splits and the names of classes of a data set, own or not, or of a sheet's file."""
    if name not in DATASETS and Path(name).is_file():
        return {"": sheet_split(list(drawings_of(files_at([name])[0])))}, DIGITS
    key = name if name in DATASETS else find_set(name).key
    return load_data(directory, key).files, DATASETS[key].classes


def set_json(own: OwnSet) -> dict[str, object]:
    """Return a set's JSON object."""
    numbers = {"train": own.train, "validation": own.validation, "test": own.test}
    facts = {"classes": list(own.classes), "by_writer": own.by_writer, "source": own.source}
    return {"dataset": own.key, "name": own.name, "created": own.created, **numbers, **facts}


def set_line(own: OwnSet) -> str:
    """Return a set's line in the list."""
    numbers = f"{own.train:,} + {own.validation:,} + {own.test:,} images, {len(own.classes)} classes"
    return f"{own.key}  {own.created[:10]}  {numbers}{', by writer' if own.by_writer else ''}  {own.name}"
