"""How capacity fades with the cycles: laws, their choice, the knee."""
