"""Analysis: a Dataset becomes a Result; pure functions without files, printing or plotting."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .quantity import Quantity, Result

if TYPE_CHECKING:
    from . import cycling, eis, haxpes, reported, tem, xanes

_LAZY = ("cycling", "eis", "haxpes", "reported", "tem", "xanes")

__all__ = ["Quantity", "Result", "cycling", "eis", "haxpes", "reported", "tem", "xanes"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
