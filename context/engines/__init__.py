"""Warehouses: each runs governed SQL within limits and can do nothing else."""
