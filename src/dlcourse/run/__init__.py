"""Runs processes: warm parents that fork, isolation, and the Jupyter kernels on top of them."""
