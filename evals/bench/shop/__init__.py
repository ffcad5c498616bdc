"""Eleven questions on a generated shop, each beside SQL written by hand."""
