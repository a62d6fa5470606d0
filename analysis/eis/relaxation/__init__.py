"""Spectra without a circuit: the distribution of relaxation times and its peaks."""
