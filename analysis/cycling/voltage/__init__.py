"""What the course of the voltage within a half cycle tells."""
