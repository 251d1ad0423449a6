"""Pictures in a folder for each class, and the sheets of drawings that Draw keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.messages import N_, InputError, Message
from mnist_core.own_data.own_images import PARTS, OwnImages, check_count, named
from mnist_core.own_data.source_files import SourceFile
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.labelled_drawings import LabelledDrawing, read_labelled_drawing, sheet_lines
from mnist_core.recognition.picture_files import ENDINGS, read_picture
from mnist_core.runtime.job import Steps

NOTES_SHOWN = 5  # pictures that were left out, each with its reason


def is_picture(file: SourceFile) -> bool:
    """Whether a file is a picture by the ending of its name."""
    return file.ending in ENDINGS


def picture_to_image(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return a picture, uint8 [H, W, 3] or [H, W, 4], as an MNIST image; None if there is no ink in it.

    A grey picture of 28 x 28 pixels is taken as it is, 0 for paper and 255 for ink, so that MNIST saved as
    PNG stays MNIST. Any other picture is converted as on the Draw page (`pixels_to_image`).
    """
    if pixels.shape[:2] == (IMAGE_SIZE, IMAGE_SIZE):
        grey = pixels[..., 0]
        if (pixels[..., 1:3] == grey[..., None]).all() and (pixels[..., 3:] == 255).all():
            return grey.copy()
    return pixels_to_image(pixels)


def read_pictures(files: Sequence[SourceFile], writer_outside: bool = False) -> Steps[OwnImages]:
    """Read pictures, each in the folder of its class, or in a folder of its writer within that.

    With `writer_outside` the folders of the classes are within those of the writers. An outermost folder that
    holds all others is left out, as are "train" and "test". Pictures that can't be read, or are blank, are
    left out and noted. Raises InputError if no picture is in a folder, or none can be read.
    """
    pictures = [file for file in files if is_picture(file)]
    check_count(len(pictures), pictures[0].name)
    folders = _folders(pictures)
    images, labels, writers, notes = [], [], [], []
    for number, (file, (label, writer)) in enumerate(
        zip(pictures, _classes_and_writers(pictures, folders, writer_outside), strict=True)
    ):
        try:
            image = picture_to_image(read_picture(file.read(), file.name))
            if image is None:
                raise InputError(N_("{file} shows nothing: it is blank."), file=file.name)
        except InputError as error:
            notes.append(error.message)
        else:
            images.append(image)
            labels.append(label)
            writers.append(writer)
        yield (number + 1) / len(pictures), None
    if not images:
        raise InputError(notes[0].template, **notes[0].values)
    return named(
        np.stack(images),
        labels,
        lambda number: labels[number],
        writers if any(writers) else None,
        notes=_shortened(notes),
    )


def _shortened(notes: list[Message]) -> list[Message]:
    """Return the first five notes, and how many more there are."""
    more = len(notes) - NOTES_SHOWN
    if more <= 0:
        return notes
    return [*notes[:NOTES_SHOWN], Message(N_("{count:,} more pictures were left out."), {"count": more})]


def _folders(pictures: Sequence[SourceFile]) -> list[tuple[str, ...]]:
    """Return each picture's folders, without those that are the same for all classes."""
    folders = [file.folders for file in pictures]
    while all(len(each) > 1 for each in folders) and len({each[0] for each in folders}) == 1:
        folders = [each[1:] for each in folders]
    if all(len(each) > 1 and each[0].lower() in PARTS for each in folders):
        folders = [each[1:] for each in folders]
    return folders


def _classes_and_writers(
    pictures: Sequence[SourceFile], folders: Sequence[tuple[str, ...]], writer_outside: bool
) -> list[tuple[str, str]]:
    """Return each picture's class and writer, "" where no folder says who wrote it."""
    for file, each in zip(pictures, folders, strict=True):
        if not each:
            raise InputError(
                N_("{file} is in no folder; put the pictures of each class in a folder with its name."),
                file=file.name,
            )
    inside = [(each[0], each[1] if len(each) > 1 else "") for each in folders]
    if not writer_outside:
        return inside
    for file, (_, inner) in zip(pictures, inside, strict=True):
        if not inner:
            raise InputError(
                N_("{file} is in one folder; where writers have folders, those of the classes are in them."),
                file=file.name,
            )
    return [(inner, outer) for outer, inner in inside]


def read_sheets(files: Sequence[SourceFile]) -> Steps[OwnImages]:
    """Read sheets of labelled drawings, JSON lines as Draw saves them; of several, each is one writer's.

    Drawings without a label or without ink are left out, and their number is noted. Raises InputError, with
    the line, for what is no drawing.
    """
    images, labels, writers, left_out = [], [], [], 0
    for number, file in enumerate(files):
        for drawing in drawings_of(file):
            if drawing.image is None or drawing.label is None:
                left_out += 1
            else:
                images.append(drawing.image)
                labels.append(str(drawing.label))
                writers.append(file.name)
        check_count(len(images), file.name)
        yield (number + 1) / len(files), None
    if not images:
        words = N_(
            "{file} has no drawing with a label; correct the labels of drawings on the page Draw first."
        )
        raise InputError(words, file=files[0].name)
    words = N_("Left out, as they have no ink or no label: {count:,} of the drawings.")
    notes = [Message(words, {"count": left_out})] if left_out else []
    place: Callable[[int], str] = writers.__getitem__
    return named(np.stack(images), labels, place, writers if len(files) > 1 else None, notes=notes)


def drawings_of(file: SourceFile) -> Iterator[LabelledDrawing]:
    """Read the drawings of a sheet's file one by one, as the strokes of all would take ten times its size.

    Raises InputError, with the line, for what is no drawing.
    """
    try:
        lines = sheet_lines(file.read())
    except UnicodeDecodeError as error:
        raise InputError(N_("{file} is no text; choose a sheet that Draw saved."), file=file.name) from error
    check_count(sum(bool(line.strip()) for line in lines), file.name)
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield read_labelled_drawing(line, number)
