"""The columns of BioLogic files, binary and text: one table, by number and by header.

The numbers, widths and headers were worked out from files that exist both as ``.mpr`` and as ``.mpt``, and agree with
what the public readers report. EC-Lab releases differ by multiples of 256 in the number of some columns; only numbers
that have been seen are listed, since the low byte alone does not decide (75 is an analog output, 331 an impedance).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from .units import conversion


@dataclass(frozen=True)
class Column:
    """One column of EC-Lab or BT-Lab.

    Parameters
    ----------
    header : str
        Its name in a text export, without the unit.
    unit : str
        Its unit in binary files, as EC-Lab spells it; a text file's own unit wins.
    layout : str
        Type in binary files, as numpy abbreviates it.
    numbers : tuple of int
        The numbers by which binary files name it; empty when only text exports have it.
    name : str
        Under which `interlayer.parsers._biologic` uses it; "" when the vocabulary has no place for it.
    sign : int
        -1 for ``-Im(Z)``.
    aliases : tuple of str
        Other headers of the same column.
    """

    header: str
    unit: str
    layout: str
    numbers: tuple[int, ...]
    name: str = ""
    sign: int = 1
    aliases: tuple[str, ...] = ()

    @cached_property
    def factor(self) -> float:
        """What turns a number of a binary file into the unit of the vocabulary."""
        return conversion(self.unit)[1] * self.sign

    @cached_property
    def width(self) -> int:
        """Bytes in a row of a binary file."""
        return int(self.layout[1:])


FLAGS: Mapping[int, int] = {1: 0x03, 2: 0x04, 3: 0x08, 21: 0x10, 31: 0x20, 65: 0x80}
"""Columns that share one byte, at the place of the first of them: mode, ox/red, error, control changes, Ns changes,
counter inc.; with their bits."""

MODE, OXIDATION = FLAGS[1], FLAGS[2]

COLUMNS: tuple[Column, ...] = (
    Column("time", "s", "f8", (4,), "test_time"),
    Column("control/V", "mA", "f4", (5,), "control"),
    Column("Ewe", "V", "f4", (6,), "voltage_we"),
    Column("<Ewe>", "V", "f4", (77, 174), "voltage_we_mean"),
    Column("Ece", "V", "f4", (9,), "voltage_ce"),
    Column("<Ece>", "V", "f4", (185, 215, 471), "voltage_ce_mean"),
    Column("Ecell", "V", "f4", (), "voltage_cell"),
    Column("Ewe-Ece", "V", "f4", (), "voltage_difference"),
    Column("I", "mA", "f4", (8,), "current"),
    Column("<I>", "mA", "f8", (11,), "current_mean"),
    Column("<I>", "mA", "f4", (76,), "current_mean"),
    Column("dq", "mA.h", "f8", (7, 23), "charge_step", aliases=("dQ",)),
    Column("dQ", "C", "f4", (179, 435), "charge_step"),
    Column("(Q-Qo)", "mA.h", "f8", (13,), "charge_counter"),
    Column("(Q-Qo)", "C", "f4", (178, 434), "charge_counter"),
    Column("Q charge/discharge", "mA.h", "f8", (211, 467), "half_cycle_charge"),
    Column("Q charge", "mA.h", "f8", (), "capacity_charge"),
    Column("Q discharge", "mA.h", "f8", (), "capacity_discharge"),
    Column("half cycle", "1", "u4", (212, 468), "half_cycle"),
    Column("cycle number", "1", "f8", (24,), "cycle_number"),
    Column("z cycle", "1", "u4", (213, 469), "spectrum_number"),
    Column("Ns", "1", "u2", (131,), "step"),
    Column("mode", "1", "u1", (), "mode"),
    Column("ox/red", "1", "u1", (), "oxidation"),
    Column("control", "mA", "f4", (20,), "control_current"),
    Column("control", "V", "f4", (19,), "control_voltage"),
    Column("freq", "Hz", "f4", (32,), "frequency"),
    Column("Re(Z)", "Ohm", "f4", (37,), "impedance_real"),
    Column("-Im(Z)", "Ohm", "f4", (38,), "impedance_imaginary", sign=-1),
    Column("|Z|", "Ohm", "f4", (36,), "impedance_modulus"),
    Column("Phase(Z)", "deg", "f4", (35,), "impedance_phase"),
    Column("|Ewe|", "V", "f4", (33,), "voltage_amplitude"),
    Column("|I|", "A", "f4", (34,), "current_amplitude"),
    Column("Temperature", "degC", "f4", (206, 462), "temperature"),
    Column("Energy charge", "W.h", "f8", (123,), "energy_charge", aliases=("Energy we charge",)),
    Column("Energy discharge", "W.h", "f8", (124,), "energy_discharge", aliases=("Energy we discharge",)),
    Column("|Energy|", "W.h", "f8", (74,)),
    Column("Energy ce", "W.h", "f8", (110, 878)),
    Column("Energy we", "W.h", "f8", (112, 880)),
    Column("Energy ce charge", "W.h", "f8", (115, 883)),
    Column("Energy ce discharge", "W.h", "f8", (116, 884)),
    Column("Capacitance charge", "uF", "f8", (125, 893)),
    Column("Capacitance discharge", "uF", "f8", (126,)),
    Column("step time", "s", "f8", (182, 438)),
    Column("I Range", "1", "u2", (39,)),
    Column("Analog IN 1", "V", "f4", (16,)),
    Column("Analog IN 2", "V", "f4", (17,)),
    Column("Analog OUT", "V", "f4", (75,)),
    Column("R", "Ohm", "f4", (69,), aliases=("Rwe",)),
    Column("P", "W", "f4", (70,), aliases=("Pwe",)),
    Column("Cs-2", "uF-2", "f4", (78,)),
    Column("Cs", "uF", "f4", (169,)),
    Column("Cp", "uF", "f4", (172,)),
    Column("Cp-2", "uF-2", "f4", (173,)),
    Column("Rcmp", "Ohm", "f4", (168,)),
    Column("|Ece|", "V", "f4", (96,)),
    Column("Phase(Zce)", "deg", "f4", (98,)),
    Column("|Zce|", "Ohm", "f4", (99,)),
    Column("Re(Zce)", "Ohm", "f4", (100,)),
    Column("-Im(Zce)", "Ohm", "f4", (101,)),
    Column("Phase(Zwe-ce)", "deg", "f4", (430,)),
    Column("|Zwe-ce|", "Ohm", "f4", (175, 431)),
    Column("Re(Zwe-ce)", "Ohm", "f4", (176, 432)),
    Column("-Im(Zwe-ce)", "Ohm", "f4", (177, 433)),
    Column("THD Ewe", "%", "f4", (217, 473)),
    Column("THD I", "%", "f4", (218, 474)),
    Column("THD Ece", "%", "f4", (219, 475)),
    Column("NSD Ewe", "%", "f4", (220, 476)),
    Column("NSD I", "%", "f4", (221, 477)),
    Column("NSD Ece", "%", "f4", (222, 478)),
    Column("NSR Ewe", "%", "f4", (223, 479)),
    Column("NSR I", "%", "f4", (224, 480)),
    Column("NSR Ece", "%", "f4", (225, 481)),
    *(Column(f"|Ewe h{k}|", "V", "f4", (484 + k,)) for k in range(2, 8)),
    *(Column(f"|I h{k}|", "A", "f4", (490 + k,)) for k in range(2, 8)),
)

BY_NUMBER: Mapping[int, Column] = {number: column for column in COLUMNS for number in column.numbers}
"""The columns of binary files by their number."""
