"""interlayer: from instrument files of coated solid-state batteries to numbers with honest uncertainties.

>>> import interlayer as il
>>> ds = il.read("PEIS_film.mpr")                                        # doctest: +SKIP
>>> result = il.analysis.eis.film_conductivity(ds, thickness=il.Quantity("thickness", 98, 3, "nm"),
...                                            area=il.Quantity("area", 7.9e-3, 2e-4, "cm2"))  # doctest: +SKIP
>>> print(result["ionic_conductivity"])                                  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlayer import analysis, parsers, sample_data
    from interlayer.analysis.quantity import Quantity, Result
    from interlayer.files import save
    from interlayer.parsers import Finding, Limits, ParseError, findings, formats, identify, read, read_tree
    from interlayer.pipeline import run
    from interlayer.plots import plot

_HOMES = {
    "Finding": "interlayer.parsers",
    "Limits": "interlayer.parsers",
    "ParseError": "interlayer.parsers",
    "Quantity": "interlayer.analysis.quantity",
    "Result": "interlayer.analysis.quantity",
    "findings": "interlayer.parsers",
    "formats": "interlayer.parsers",
    "identify": "interlayer.parsers",
    "plot": "interlayer.plots",
    "read": "interlayer.parsers",
    "read_tree": "interlayer.parsers",
    "run": "interlayer.pipeline",
    "save": "interlayer.files",
}
_MODULES = ("analysis", "parsers", "sample_data")

__version__ = version("interlayer")
__all__ = [
    "Finding",
    "InterlayerWarning",
    "Limits",
    "ParseError",
    "Quantity",
    "Result",
    "analysis",
    "findings",
    "formats",
    "identify",
    "parsers",
    "plot",
    "read",
    "read_tree",
    "run",
    "sample_data",
    "save",
]


class InterlayerWarning(UserWarning):
    """A warning that the user can act on."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"interlayer.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'interlayer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
