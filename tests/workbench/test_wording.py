"""Numbers the way papers print them: in the unit of their size, limits without powers of ten."""

from __future__ import annotations

import pytest

from interlayer.analysis import Quantity
from interlayer.wording import headline, number, printed_unit, unit


@pytest.mark.parametrize(
    ("value", "stderr", "name", "printed"),
    [
        (0.11211, 0.00055, "V", "112.11 ± 0.55 mV"),
        (3.7215, 0.0012, "V", "3.7215 ± 0.0012 V"),
        (4.641e-4, 3.1e-7, "A h", "464.10 ± 0.31 µA h"),
        (9.73e-6, 1.7e-7, "A cm-2", "9.73 ± 0.17 µA cm⁻²"),
        (2012.0, 26.0, "ohm cm2", "2012 ± 26 Ω cm²"),
        (0.9, 1e-4, "1", "0.90000 ± 0.00010"),
    ],
)
def test_unit_follows_the_size(value, stderr, name, printed):
    """4.6e-04 A h is read wrongly by a factor of ten; 464 µA h is not."""
    quantity = Quantity("q", value, stderr, name)
    assert f"{number(quantity)} {unit(quantity)}".strip() == printed


def test_limits_have_no_needless_power_of_ten():
    """More than 3.8 × 10² h is 380 h."""
    assert (
        headline(Quantity("time_to_short_circuit", 384.0, None, "h", relation=">")) == "time to short circuit > 380 h"
    )
    assert number(Quantity("ionic_conductivity", 1e-6, None, "S cm-1", relation=">")) == "> 1 × 10⁻⁶"


def test_units_are_typeset():
    """As journals ask for them."""
    assert [printed_unit(name) for name in ("S cm-1", "mA h g-1", "uA h cm-2", "degC")] == [
        "S cm⁻¹", "mA h g⁻¹", "µA h cm⁻²", "°C",
    ]  # fmt: skip
