"""Training on the workers of a Dask cluster. Imported only where DIGITLAB_CLUSTER is set."""
