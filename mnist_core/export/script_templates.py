"""Templates of exported training scripts; `script.py` fills in and joins them.

$names are string.Template's. The arithmetic is the same, operation by operation, as in
`training` and `evaluation`; tests check that the results are equal to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_COLUMNS = 88  # per line, the default of ruff and black


def literal(value: object) -> str:
    """Return a string or number as Python source."""
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:_}" if isinstance(value, int) else repr(value)


def dict_row(values: Mapping[str, object], key: str = "") -> str:
    """Return a dict as an entry of a list, or of a dict with a key; in one line if it fits."""
    items = [f'"{name}": {literal(value)}' for name, value in values.items()]
    start = f'    "{key}": {{' if key else "    {"
    line = start + ", ".join(items) + "},\n"
    if len(line) <= MOST_COLUMNS:
        return line
    return start + "\n" + "".join(f"        {item},\n" for item in items) + "    },\n"


DOCSTRING = '''\
"""$title: a network that learns $what.

    pip install $torch $torchvision
    python this_file.py [FOLDER]

$about
"""

'''
IMPORTS = """\
${math}${os}import sys

${numpy}import torch
import torch.nn.functional as F
${pillow}from torch import nn
from torchvision.datasets$dataset

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "data"
"""
DATA = '''
torch.set_num_threads(THREADS)  # a different number changes the last digits

${opened}# Images are bytes [N, 28, 28], 0 for paper to 255 for ink; labels [N] are 0 to $last.
train_images = train.data[:TRAIN_IMAGES]$to_device
train_labels = train.targets[:TRAIN_IMAGES]$to_device
$watched


def scale(images):
    """Bytes [N, 28, 28] -> (pixel / 255 - MEAN) / STD, [N, 1, 28, 28]."""
    return images.unsqueeze(1).float() * (1 / (255 * STD)) - MEAN / STD
'''
# How each data set is opened; in the form of MNIST's where torchvision's isn't.
OPENED = """\
train = $dataset(FOLDER, train=True, download=True)
test = $dataset(FOLDER, train=False, download=True)
"""
OPENED_QMNIST = """\
train = QMNIST(FOLDER, "train", download=True)
test = QMNIST(FOLDER, "test10k", download=True)
for part in (train, test):
    part.targets = part.targets[:, 0]  # the digit; the others are about its writer
"""
OPENED_EMNIST = """\
train = EMNIST(FOLDER, "$part", train=True, download=True)
test = EMNIST(FOLDER, "$part", train=False, download=True)
for part in (train, test):
    part.data = part.data.transpose(1, 2).contiguous()  # upright
"""
FROM_ZERO = "    part.targets = part.targets - 1  # A is 0\n"
OPENED_USPS = '''\
os.makedirs(f"{FOLDER}/USPS", exist_ok=True)
train = USPS(f"{FOLDER}/USPS", train=True, download=True)
test = USPS(f"{FOLDER}/USPS", train=False, download=True)


def enlarged(image):
    """16 x 16 pixels -> 20 x 20, the size of MNIST's digits, in the middle of 28 x 28."""
    larger = Image.fromarray(image).resize((20, 20), Image.Resampling.BICUBIC)
    return F.pad(torch.from_numpy(np.array(larger)), (4, 4, 4, 4))


for part in (train, test):
    part.data = torch.stack([enlarged(image) for image in part.data])
    part.targets = torch.tensor(part.targets)
'''
OWN_READERS = ".mnist import read_image_file, read_label_file"
OPENED_OWN = '''\
class Part:
    """The images and labels of a data set's IDX files."""

    def __init__(self, name):
        self.data = read_image_file(f"{FOLDER}/{name}-images-idx3-ubyte")
        self.targets = read_label_file(f"{FOLDER}/{name}-labels-idx1-ubyte")


train, test = Part("train"), Part("test")
'''
WATCHED_TEST = "watched_images, watched_labels = test.data, test.targets"
WATCHED_VALIDATION = """\
watched_images = train.data[-VALIDATION_IMAGES:]  # never trained on
watched_labels = train.targets[-VALIDATION_IMAGES:]"""

OUR_LAYERS = {
    "Maxout": '''

class Maxout(nn.Module):
    """The largest of `pieces` neighbouring features (Goodfellow et al. 2013)."""

    def __init__(self, pieces):
        super().__init__()
        self.pieces = pieces

    def forward(self, features):
        return torch.amax(features.unflatten(1, (-1, self.pieces)), dim=2)
''',
    "ResidualBlock": '''

class ResidualBlock(nn.Module):
    """activation(main(x) + skip(every stride-th pixel of x)), as in He et al. 2015."""

    def __init__(self, main, skip, activation, stride=1):
        super().__init__()
        self.main, self.skip = main, skip
        self.activation, self.stride = activation, stride

    def forward(self, features):
        return self.activation(self.main(features) + self.skipped(features))

    def skipped(self, features):
        if self.stride > 1:
            features = F.avg_pool2d(features, 1, self.stride)
        return self.skip(features)
''',
}
NETWORK = """\
${classes}

torch.manual_seed(SEED)  # for the initial weights
network = $network$to_device
${layout}\
"""
INITIALIZED_NETWORK = """\
${classes}

torch.manual_seed(SEED)  # for the initial weights
network = $network
for module in network.modules():
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.$initialize(module.weight$options)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
${move}${layout}\
"""
CHANNELS_LAST = "network.to(memory_format=torch.channels_last)  # faster convolutions\n"

CRITERION = "criterion = nn.$loss($smoothing)\n"
OPTIMIZER = """\
optimizer = torch.optim.$cls(
    network.parameters(),
$options)
"""
MUON = """\
muon = torch.optim.Muon(
    [parameter for parameter in network.parameters() if parameter.ndim == 2],
$options)
adamw = torch.optim.AdamW(  # for parameters that aren't matrices
    [parameter for parameter in network.parameters() if parameter.ndim != 2],
    lr=0.1 * LEARNING_RATE,
    weight_decay=WEIGHT_DECAY,
)
"""
SCHEDULES = {
    "constant": "",
    "step": '''

def schedule(progress):
    """A tenth of the rate from the middle on, a hundredth in the last quarter."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01
''',
    "cosine": '''

def schedule(progress):
    """From the full learning rate to zero along half a cosine wave."""
    return 0.5 * (1 + math.cos(math.pi * progress))
''',
    "one_cycle": '''

def schedule(progress, warm_up=0.25, start=1 / 25, end=1e-5):
    """Up to the full learning rate in the first quarter, then down (Smith 2018)."""
    if progress < warm_up:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
    angle = math.pi * (progress - warm_up) / (1 - warm_up)
    return end + (1 - end) * 0.5 * (1 + math.cos(angle))
''',
}
SET_RATE = '''

def set_learning_rate(step):
    """Set the learning rate for a step, counted from 0."""
'''
SCHEDULED_RATE = "    rate = LEARNING_RATE * schedule(step / (EPOCHS * STEPS_PER_EPOCH))\n"
PHASE_RATE = '    rate = phase_at(step)["learning_rate"]\n'
SCHEDULED_PHASE_RATE = """\
    phase = phase_at(step)
    progress = step / (phase["epochs"] * STEPS_PER_EPOCH)
    rate = phase["learning_rate"] * schedule(progress)
"""
USE_RATE = '    optimizer.param_groups[0]["lr"] = rate\n'
USE_RATE_MUON = """\
    muon.param_groups[0]["lr"] = rate
    adamw.param_groups[0]["lr"] = 0.1 * rate
"""
PHASES = "PHASES = [  # what was changed during the training, and from which step on\n"
PHASE_AT = '''

def phase_at(step):
    """What holds at a step, counted from 0."""
    return [phase for phase in PHASES if phase["step"] <= step][-1]
'''
CHANGE_SETTINGS = '''

def change_settings(step):
    """Set what was changed during the training, for a step counted from 0."""
    phase = phase_at(step)
'''
CHANGE_GROUP = '    $optimizer.param_groups[0]["$setting"] = phase["$setting"]\n'
CHANGE_SMOOTHING = '    criterion.label_smoothing = phase["label_smoothing"]\n'
CHANGE_DROPOUT = """\
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = phase["dropout"]
"""

IN_PARTS = '''

def in_parts(batch):
    """Split a large batch into parts to limit memory."""
    return batch.tensor_split(math.ceil(len(batch) / $most))
'''
FORWARD_BFLOAT16 = '''

def forward(images):
    """Logits of bytes [N, 28, 28], by 16-bit matrix products."""
    with torch.autocast($device, torch.bfloat16):
        return network(scale(images)).float()
'''
EVALUATE = '''

def evaluate(images, labels):
    """Return the accuracy, 0 to 1, and the mean cross-entropy."""
    network.eval()
${alone}\
    with torch.inference_mode():
        answers = [$forward(batch$to_device)$close for batch in images.split(100)]
${together}\
    log_probabilities = torch.cat(answers)$to_cpu.double().log_softmax(1)
    predictions = log_probabilities.exp().numpy().argmax(1)
    losses = F.nll_loss(log_probabilities, labels, reduction="none").numpy()
    return float((predictions == labels.numpy()).mean()), float(losses.mean())
'''
ALONE = "    torch.set_num_threads(1)  # as in the run: one thread per batch\n"
TOGETHER = "    torch.set_num_threads(THREADS)\n"

TRAINING = """

accuracy, _ = evaluate(watched_images, watched_labels)
print(f"before training: $watched accuracy {accuracy:.2%}")
${generators}\
torch.set_flush_denormal(True)  # arithmetic with denormal numbers is slow
for epoch in range(1, $epochs + 1):
    network.train()
    losses = []
${batches}\
${steps}\
    accuracy, _ = evaluate(watched_images, watched_labels)
    print(
        f"epoch {epoch}: training loss {sum(losses) / len(losses):.4f}, "
        f"$watched accuracy {accuracy:.2%}"
    )

accuracy, loss = evaluate(test.data, test.targets)
print(f"test accuracy {accuracy}, loss {loss}")
"""
LAYERS_GENERATOR = "torch.manual_seed(SEED)  # some layers draw random numbers\n"
SHUFFLING = "shuffling = torch.Generator().manual_seed(SEED)\n"
VARYING = "varying = torch.Generator().manual_seed(SEED)\n"

IN_ORDER = """\
    batches = zip(train_images.split(BATCH_SIZE), train_labels.split(BATCH_SIZE))
"""
GATHERED = """\
    order = $order$to_device
${vary}\
    epoch_labels = train_labels[order]
    batches = zip(epoch_images.split(BATCH_SIZE), epoch_labels.split(BATCH_SIZE))
"""
RANDOM_ORDER = "torch.randperm(TRAIN_IMAGES, generator=shuffling)"
SAME_ORDER = "torch.arange(TRAIN_IMAGES)"
NOT_VARIED = "    epoch_images = train_images[order]\n"
VARIED = """\
    blocks = $blocks
    epoch_images = torch.cat([augment(train_images[block]) for block in blocks])
"""
VARIED_BY_STEP = """\
    first = (epoch - 1) * STEPS_PER_EPOCH
    blocks = enumerate(order.split($size))  # whole batches, many at once
    epoch_images = torch.cat([vary(block, first + n * $batches) for n, block in blocks])
"""
BLOCKS = "order.split($size)  # whole batches, many at once"
BLOCKS_IN_PARTS = "[part for batch in order.split(BATCH_SIZE) for part in in_parts(batch)]"

EACH_BATCH = "    for images, labels in batches:\n"
EACH_STEP = """\
    for step, (images, labels) in enumerate(batches, (epoch - 1) * STEPS_PER_EPOCH):
"""
STOP = """\
        if step == LAST_STEP:
            break
"""
GRADIENTS = """\
        loss = criterion($forward(images)$close, labels)
        loss.backward()  # its gradient for each weight
        losses.append(loss.item())
"""
GRADIENTS_IN_PARTS = """\
        losses.append(0.0)
        for x, y in zip(in_parts(images), in_parts(labels)):
            loss = criterion($forward(x)$close, y) * (len(y) / len(labels))
            loss.backward()  # gradients add up over the parts
            losses[-1] += loss.item()
"""
CLIP = "        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_NORM)\n"
CHANGE = "        change_settings(step)\n"
SET_LEARNING_RATE = "        set_learning_rate(step)\n"
STEP = """\
        optimizer.step()  # moves the weights
        optimizer.zero_grad()
"""
STEP_MUON = """\
        for optimizer in (muon, adamw):
            optimizer.step()  # moves its weights
            optimizer.zero_grad()
"""
