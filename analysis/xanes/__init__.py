"""X-ray absorption near-edge structure: normalisation and linear combination of references."""

from __future__ import annotations

from .combination import linear_combination
from .normalisation import normalise

__all__ = ["linear_combination", "normalise"]
