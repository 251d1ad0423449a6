"""What a training is made of: batches, gradients, update rules, phases, and what it tells and is told."""
