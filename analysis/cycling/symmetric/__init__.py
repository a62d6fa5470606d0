"""Symmetric cells: overpotentials, short circuits, the critical current."""
