"""Several spectra of one sample or design: temperature, thickness, coated against bare."""
