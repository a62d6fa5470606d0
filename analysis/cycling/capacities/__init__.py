"""Capacities, efficiencies, their retention, and what is left of them at higher rates."""
