"""Training a network: batches, gradients, optimizers, events."""
