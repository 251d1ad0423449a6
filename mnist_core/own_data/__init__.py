"""Own data: images that people bring, from file to data set."""
