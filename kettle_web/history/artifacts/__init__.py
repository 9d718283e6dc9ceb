"""One file by its digest: which builds produced these bytes, and which name them as something else."""
