"""The pieces of text by which exported training scripts vary their images, as script_text.py has the others.

The arithmetic is that of augmentation.py, operation by operation.
"""

SHIFT = '''

def augment(images):
    """Move each image by up to SHIFT pixels each way; paper comes in from outside."""
    padded = F.pad(images, (SHIFT, SHIFT, SHIFT, SHIFT))
    offsets = torch.randint(0, 2 * SHIFT + 1, (2, len(images), 1), generator=varying)
    rows = (offsets[0] + torch.arange(28)).unsqueeze(2)$to_device
    columns = (offsets[1] + torch.arange(28)).unsqueeze(1)$to_device
    each = torch.arange(len(images)).view(-1, 1, 1)$to_device
    return padded[each, rows, columns]
'''
AFFINE = '''

def random_affine(count):
    """[count, 2, 3] maps from output to input places, both -1 to 1 across the image."""
    draws = torch.rand(6, count, generator=varying) * 2 - 1
    angle = draws[0] * math.radians(ROTATION)
    shear = torch.tan(draws[1] * math.radians(SHEAR))
    scale_x, scale_y = 1 + draws[2:4] * RESIZING
    shift_x, shift_y = draws[4:6] * (2 * SHIFT / 28)
    cos, sin = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack([cos * scale_x, (shear * cos - sin) * scale_y, shift_x], 1)
    row_y = torch.stack([sin * scale_x, (shear * sin + cos) * scale_y, shift_y], 1)
    return torch.stack([row_x, row_y], 1)
'''
ELASTIC = '''

def smooth_displacement(count):
    """[count, 28, 28, 2]: how far each pixel moves, drawn on 6 x 6 and enlarged."""
    coarse = torch.randn(count, 2, 6, 6, generator=varying) * (2 * ELASTIC / 28)
    fine = F.interpolate(coarse, size=(28, 28), mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)
'''
OTHER_PENS = '''

def with_other_pens(images):
    """Thicken or thin lines in part: grey dilation or erosion, [count, 1, 28, 28]."""
    pens = torch.rand(len(images), generator=varying)$to_device * 2 - 1
    amount = pens.view(-1, 1, 1, 1) * PEN
    thick, thin = F.max_pool2d(images, 3, 1, 1), -F.max_pool2d(-images, 3, 1, 1)
    thicker, thinner = amount.clamp(min=0), -amount.clamp(max=0)
    return images + thicker * (thick - images) + thinner * (thin - images)
'''
WARP = '''

def augment(images):
    """Vary each image at random; paper comes in from outside."""
    maps = random_affine(len(images))$to_device
    grid = F.affine_grid(maps, [len(images), 1, 28, 28], align_corners=False)
${bend}\
    varied = F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False)
${press}\
    return varied.squeeze(1).round().to(torch.uint8)
'''
PRESS = "    varied = with_other_pens(varied)\n"
BEND = "    grid = grid + smooth_displacement(len(images))$to_device\n"
