"""The text files that the benchmarks read, and what a general csv reader has to be told about each of them.

Our readers find out encoding, delimiter, decimal mark and the place of the table themselves; the others are given them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextFile:
    """A text file of a cycler.

    Parameters
    ----------
    path : str
        Below the corpus.
    rows : int
        Lines of its table.
    skip : int
        Lines above the first of them.
    width : int
        Fields of a row, with the empty one behind a delimiter that ends the row.
    delimiter : str
        The decimal mark of all of them is a point.
    encoding : str
        As Python names it.
    """

    path: str
    rows: int
    skip: int
    width: int
    delimiter: str = ","
    encoding: str = "utf-8"


FILES = (
    TextFile("cycling/yadg/gcpl.issue_211.mpt", 2_767, 80, 41, "\t", "latin-1"),
    TextFile("cycling/yadg/mb.mpt", 1_588, 92, 62, "\t", "latin-1"),
    TextFile("cycling/PyProBE/Sample_data_biologic_01_MB_CA1.txt", 1_397, 103, 16, "\t"),
    TextFile("cycling/cellpy/maccor_002.txt", 7_446, 15, 29, "\t", "latin-1"),
    TextFile("cycling/cellpy/maccor_one.txt", 4_459, 4, 62, "\t"),
    TextFile("cycling/cellpy/pec.csv", 16_255, 33, 35),
    TextFile("cycling/cellpy/nw_regular_export_ife_example.csv", 9_395, 3, 22),
    TextFile("cycling/cellpy/neware_uio.csv", 9_064, 1, 26),
    TextFile("cycling/battery-data-format/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv", 25_162, 7, 18),
    TextFile("cycling/battery-data-format/DLR__LiLNMOHydra0b__20221125__POCV__25degC__Basytec.bdf.csv", 17_860, 1, 4),
    TextFile(
        "cycling/battery-data-format/SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug.bdf.csv",
        13_086, 1, 9,
    ),
    TextFile("cycling/battery-data-toolkit/arbin_example.csv", 2_142, 1, 15),
    TextFile("cycling/battery-data-toolkit/p492-13-raw.csv", 2_021, 1, 28),
    TextFile("cycling/cellpy/custom_data_001.csv", 2_444, 20, 10, ";"),
)  # fmt: skip
