"""Circuits fitted to spectra: starts, descent, covariance, labels, one spectrum or a series at once."""
