"""Whether a spectrum can be believed: Kramers-Kronig test, disturbed points, noise."""
