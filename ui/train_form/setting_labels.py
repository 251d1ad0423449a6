"""Labels and help texts of the settings."""

from mnist_core.messages import N_

LABELS = {
    "architecture": N_("Network"),
    "widths": N_("Hidden layers"),
    "channels": N_("Convolution stages"),
    "activation": N_("Activation"),
    "learning_rate": N_("Learning rate"),
    "batch_size": N_("Batch size"),
    "epochs": N_("Epochs"),
    "optimizer": N_("Optimizer"),
    "momentum": N_("Momentum"),
    "weight_decay": N_("Weight decay"),
    "schedule": N_("Learning rate schedule"),
    "loss": N_("Loss"),
    "label_smoothing": N_("Label smoothing"),
    "shuffle": N_("Shuffle the images in every epoch"),
    "dropout": N_("Dropout"),
    "batch_norm": N_("Batch norm"),
    "input_scaling": N_("Input scaling"),
    "augmentation": N_("Augmentation"),
    "train_size": N_("Training images"),
    "written_share": N_("Digits of our own writing"),
    "monitor": N_("Watch"),
    "validation_size": N_("Validation images"),
    "precision": N_("Arithmetic"),
    "seed": N_("Seed"),
}
HELPS = {
    "widths": N_(
        "How many layers stand between the pixels and the ten outputs, and how many units each has."
    ),
    "channels": N_("How many feature maps each stage makes; each stage halves the image."),
    "learning_rate": N_(
        "How far each step moves the weights. Too small learns slowly, too large not at all."
    ),
    "batch_size": N_("How many images each step looks at: one, some (mini-batch), or all of them."),
    "epochs": N_("How often every training image is seen."),
    "momentum": N_("How much of the last step carries on into the next; only some optimizers use it."),
    "weight_decay": N_("Pulls all weights a little towards zero, against overfitting."),
    "label_smoothing": N_(
        "Asks for a little less than certainty, against overconfidence; not with NLL loss."
    ),
    "dropout": N_("Share of hidden units switched off at random in each training step, against overfitting."),
    "batch_norm": N_(
        "Rescales each layer's outputs over the batch, of at least 2 images: steadier, faster training."
    ),
    "train_size": N_("Fewer images train faster and show overfitting sooner."),
    "written_share": N_(
        "How many come to each training image: digits as much of the world writes them and MNIST lacks them."
    ),
    "validation_size": N_("Training images held out to watch progress by, never trained on."),
    "seed": N_("The same seed and settings give the same run."),
}
# What has no entry with a label of its own in the registries.
CHOICE_LABELS = {
    "cross_entropy": N_("Cross-entropy"),
    "nll": N_("Log-softmax + NLL"),
    "validation": N_("Validation images"),
    "test": N_("Test images"),
    "auto": N_("Automatic"),
    "float32": "float32",
    "bfloat16": "bfloat16",
}
