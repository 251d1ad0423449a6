"""Augmentation in exported training scripts: one kind, or several of a run in which it was changed."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from mnist_core.choices import AUGMENTATIONS, Augmentation
from mnist_core.export.script_templates import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mnist_core.export.script_facts import ScriptFacts

LIMITS = {  # constants of the script: the field of Augmentation, and what it limits
    "SHIFT": ("shift", "pixels, in both directions"),
    "ROTATION": ("rotation", "degrees, in both directions"),
    "SHEAR": ("shear", "degrees, in both directions"),
    "RESIZING": ("scale", "relative to the size, in both directions"),
    "ELASTIC": ("elastic", "pixels, a standard deviation"),
    "PEN": ("line_width", "largest share of the dilation or erosion"),
}
AFFINE_LIMITS = ("SHIFT", "ROTATION", "SHEAR", "RESIZING")

# An augmentation's limits are constants of the script or, where it was changed, arguments: $SHIFT is either.
SHIFT = '''

def $shift(images$shift_limits):
    """Shift each image by whole pixels in x and y; pixels from outside are 0."""
    padded = F.pad(images, ($SHIFT, $SHIFT, $SHIFT, $SHIFT))
    offsets = torch.randint(0, 2 * $SHIFT + 1, (2, len(images), 1), generator=varying)
    rows = (offsets[0] + torch.arange(28)).unsqueeze(2)$to_device
    columns = (offsets[1] + torch.arange(28)).unsqueeze(1)$to_device
    each = torch.arange(len(images)).view(-1, 1, 1)$to_device
    return padded[each, rows, columns]
'''
AFFINE = '''

def random_affine(count$affine_limits):
    """[count, 2, 3] maps from output to input coordinates, -1 to 1 across the image."""
    draws = torch.rand(6, count, generator=varying) * 2 - 1
    angle = draws[0] * math.radians($ROTATION)
    shear = torch.tan(draws[1] * math.radians($SHEAR))
    scale_x, scale_y = 1 + draws[2:4] * $RESIZING
    shift_x, shift_y = draws[4:6] * (2 * $SHIFT / 28)
    cos, sin = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack([cos * scale_x, (shear * cos - sin) * scale_y, shift_x], 1)
    row_y = torch.stack([sin * scale_x, (shear * sin + cos) * scale_y, shift_y], 1)
    return torch.stack([row_x, row_y], 1)
'''
ELASTIC = '''

def smooth_displacement(count$elastic_limits):
    """[count, 28, 28, 2] pixel displacements, drawn on 6 x 6 and enlarged."""
    coarse = torch.randn(count, 2, 6, 6, generator=varying) * (2 * $ELASTIC / 28)
    fine = F.interpolate(coarse, size=(28, 28), mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)
'''
OTHER_PENS = '''

def with_other_pens(images$pen_limits):
    """Blend [count, 1, 28, 28] with its grey dilation or erosion, by a random share."""
    pens = torch.rand(len(images), generator=varying)$to_device * 2 - 1
    amount = pens.view(-1, 1, 1, 1) * $PEN
    thick, thin = F.max_pool2d(images, 3, 1, 1), -F.max_pool2d(-images, 3, 1, 1)
    thicker, thinner = amount.clamp(min=0), -amount.clamp(max=0)
    return images + thicker * (thick - images) + thinner * (thin - images)
'''
WARP = '''

def $warp(images$warp_limits):
    """Transform each image at random; pixels from outside are 0."""
    maps = random_affine(len(images)$affine_limits)$to_device
    grid = F.affine_grid(maps, [len(images), 1, 28, 28], align_corners=False)
${bend}\
    varied = F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False)
${press}\
    return varied.squeeze(1).round().to(torch.uint8)
'''
PRESS = "    varied = with_other_pens(varied)\n"
BEND = "    grid = grid + smooth_displacement(len(images))$to_device\n"
PRESS_IF = "    if pen:\n        varied = with_other_pens(varied, pen)\n"
BEND_IF = """\
    if elastic:
        grid = grid + smooth_displacement(len(images), elastic)$to_device
"""
AUGMENT_BY_NAME = '''

LIMITS = {
$rows}


def augment(images, name):
    """Augment bytes [N, 28, 28] within the limits that have this name."""
    if name == "none":
        return images
    return $function(images, **LIMITS[name])
'''
VARY = '''

def vary(block, step):
    """Augment whole batches, the first of them a step's, each as it was at its step."""
    name, varied = None, []
    for place in range(math.ceil(len(block) / BATCH_SIZE)):
        if phase_at(step + place)["augmentation"] != name:
            name = phase_at(step + place)["augmentation"]
            rest = train_images[block[place * BATCH_SIZE :]]
            batches = iter(augment(rest, name).split(BATCH_SIZE))
        varied.append(next(batches))
    return torch.cat(varied)
'''
VARY_IN_PARTS = '''

def vary(batch, step):
    """Augment a large batch in parts, as it was at its step."""
    name = phase_at(step)["augmentation"]
    return torch.cat([augment(train_images[part], name) for part in in_parts(batch)])
'''


def augmentation_settings(facts: ScriptFacts) -> list[tuple[str, object, str]]:
    """Return the script's constants for the limits of its only augmentation: name, value, comment."""
    if facts.varies("augmentation"):
        return []
    entry = AUGMENTATIONS[facts.config.augmentation]
    settings = [(name, getattr(entry, field), comment) for name, (field, comment) in LIMITS.items()]
    return [setting for setting in settings if setting[1]]


def augmentation_source(facts: ScriptFacts, to_device: str) -> str:
    """Return the source of the functions that augment images; empty if no image is augmented.

    They are `augment`, or `vary` where the augmentation was changed during the training.
    """
    if facts.varies("augmentation"):
        return _source_of_several(facts, to_device)
    entry = AUGMENTATIONS[facts.config.augmentation]
    if facts.config.augmentation == "none":
        return ""
    words = {name: name for name in LIMITS} | dict.fromkeys(_ARGUMENTS, "")
    words |= {
        "warp_limits": "",
        "shift": "augment",
        "warp": "augment",
        "press": PRESS if entry.line_width else "",
    }
    words["bend"] = BEND.replace("$to_device", to_device) if entry.elastic else ""
    source = SHIFT if entry.whole_pixels else _warp_source([entry])
    return Template(source).substitute(words, to_device=to_device)


_ARGUMENTS = {
    "shift_limits": ", shift",
    "affine_limits": ", shift, rotation, shear, resizing",
    "elastic_limits": ", elastic",
    "pen_limits": ", pen",
}


def _warp_source(entries: Iterable[Augmentation]) -> str:
    """Return the functions that the warps of some augmentations need."""
    elastic = ELASTIC if any(entry.elastic for entry in entries) else ""
    return AFFINE + elastic + (OTHER_PENS if any(entry.line_width for entry in entries) else "") + WARP


def _source_of_several(facts: ScriptFacts, to_device: str) -> str:
    """Return functions that take the limits as arguments, and those that choose by an augmentation's name."""
    used = {change.augmentation for change in facts.changes}
    entries = {name: entry for name, entry in AUGMENTATIONS.items() if name in used and name != "none"}
    shifts = [name for name, entry in entries.items() if entry.whole_pixels]
    warps = [entry for entry in entries.values() if not entry.whole_pixels]
    elastic, pen = (any(getattr(entry, field) for entry in warps) for field in ("elastic", "line_width"))
    words = {name: name.lower() for name in LIMITS} | _ARGUMENTS | {"shift": "shift_pixels", "warp": "warp"}
    words["bend"] = BEND_IF.replace("$to_device", to_device) if elastic else ""
    words["press"] = PRESS_IF if pen else ""
    words["warp_limits"] = (
        words["affine_limits"] + (", elastic=0" if elastic else "") + (", pen=0" if pen else "")
    )
    words["rows"] = "".join(dict_row(_limits(entry), name) for name, entry in entries.items())
    choice = f'(shift_pixels if name == "{shifts[0]}" else warp)' if shifts and warps else ""
    words["function"] = choice or ("warp" if warps else "shift_pixels")
    source = (SHIFT if shifts else "") + (_warp_source(warps) if warps else "") + AUGMENT_BY_NAME
    source += VARY_IN_PARTS if facts.in_parts else VARY
    return Template(source).substitute(words, to_device=to_device)


def _limits(entry: Augmentation) -> dict[str, float]:
    """Return the limits of an augmentation by the names of the script's arguments."""
    values = {name.lower(): getattr(entry, field) for name, (field, _) in LIMITS.items()}
    return {name: value for name, value in values.items() if value}
