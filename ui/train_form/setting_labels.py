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
    "shuffle": N_("Shuffle in every epoch"),
    "dropout": N_("Dropout"),
    "batch_norm": N_("Batch norm"),
    "input_scaling": N_("Input scaling"),
    "augmentation": N_("Augmentation"),
    "train_size": N_("Training images"),
    "written_share": N_("Synthetic digits"),
    "monitor": N_("Monitor"),
    "validation_size": N_("Validation images"),
    "precision": N_("Numeric precision"),
    "seed": N_("Seed"),
}
HELPS = {
    "widths": N_("The number of layers between the pixels and the ten outputs, and the units of each."),
    "channels": N_("Output channels (feature maps) of each stage; each stage halves the image."),
    "learning_rate": N_("The size of each step of the weights. Too small learns slowly, too large diverges."),
    "batch_size": N_("Images per step: one (stochastic), some (mini-batch) or all of them (full batch)."),
    "epochs": N_("How many times training passes over all training images."),
    "momentum": N_("The share of the last step that is kept in the next one; only some optimizers use it."),
    "weight_decay": N_("Shrinks all weights a little in each step, against overfitting."),
    "label_smoothing": N_(
        "Trains towards probabilities below 100%, against overconfidence; not with NLL loss."
    ),
    "dropout": N_(
        "The share of hidden units set to zero at random in each training step, against overfitting."
    ),
    "batch_norm": N_(
        "Normalizes each layer's outputs over the batch (at least 2 images): more stable, faster training."
    ),
    "train_size": N_("Fewer images train faster and show overfitting sooner."),
    "written_share": N_(
        "The number per training image: digits in forms that are common in the world and missing from MNIST."
    ),
    "validation_size": N_("Training images held out to monitor the training, never trained on."),
    "seed": N_("The same seed and settings give the same run."),
}
# What has no entry with a label of its own in the registries.
CHOICE_LABELS = {
    "cross_entropy": N_("Cross-entropy"),
    "nll": N_("Log-softmax + NLL"),
    "validation": N_("Validation set"),
    "test": N_("Test set"),
    "auto": N_("Automatic"),
    "float32": "float32",
    "bfloat16": "bfloat16",
}
