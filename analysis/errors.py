"""What an analysis says when a Dataset does not allow it."""

from __future__ import annotations


class NotAnalysable(ValueError):
    """The data do not allow this analysis; the message says why and what would help."""
