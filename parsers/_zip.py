"""Damage of zip archives, for all readers that open one."""

from __future__ import annotations

import zipfile
import zlib

# NotImplementedError: an unknown compression method or a strong encryption. RuntimeError: a password is wanted.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
"""What the standard library raises on a damaged or foreign archive."""
