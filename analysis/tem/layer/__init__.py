"""Layers in micrographs: local thickness, means over images, projection, coverage and conformality."""
