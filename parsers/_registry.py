"""The format cards: what the toolkit reads, and how each format is known by its content.

A card is data. Listing and identifying formats imports no reader; the module of a card is imported when a file of its
format is read, and has one function ``read(source: Source) -> Iterator[Measurement]``. Cards are tried in order, so a
specific one stands before a general one. Other packages add cards through the entry-point group ``interlayer.formats``.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, distributions

from . import _columns_cycling as cycling
from . import _columns_eis as eis
from . import _columns_summary as summary
from . import _columns_windeta as windeta
from ._card import HEAD, Format, Head, Magic
from ._cards_archives import ARCHIVES
from ._cards_microscopy import MICROSCOPY
from ._column_marks import table_with

__all__ = ["BUILT_IN", "HEAD", "Format", "Head", "Magic", "formats"]

_PARSERS = "interlayer.parsers"
_GROUP = "interlayer.formats"


# A cycler writes the points of a spectrum into its record, which makes no spectrum of the file.
_COUNTERS = (cycling.CAPACITY_CHARGE, cycling.CAPACITY_DISCHARGE)

BUILT_IN: tuple[Format, ...] = (
    Format(
        name="biologic-mpr",
        title="BioLogic EC-Lab binary",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.biologic_mpr",
        extensions=(".mpr",),
        magic=(Magic(rb"\ABIO-LOGIC MODULAR FILE\x1a"),),
        sidecars=("*.mps", "*.mpl"),
    ),
    Format(
        name="biologic-mpt",
        title="BioLogic EC-Lab or BT-Lab text",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.biologic_mpt",
        extensions=(".mpt", ".txt"),
        magic=(
            Magic(rb"\A\s*(EC|BT)-Lab ASCII FILE", "text"),
            Magic(rb"\A(mode\tox/red\t|freq/Hz\tRe\(Z\)/Ohm)", "text"),
        ),
    ),
    Format(
        name="gamry-dta",
        title="Gamry Framework",
        techniques=("eis", "cycling", "cycling_summary"),
        module=f"{_PARSERS}.gamry_dta",
        extensions=(".dta",),
        magic=(Magic(rb"\A\s*EXPLAIN\b", "text"),),
    ),
    Format(
        name="zahner-ism",
        title="Zahner Thales",
        techniques=("eis",),
        module=f"{_PARSERS}.zahner_ism",
        extensions=(".ism",),
        magic=(
            Magic(rb"\A\0\0\xff\xff\xff[\xfe\xff]\0\0\0"),
            Magic(rb"(?s)\A\0.{6}\0\0", name=r"\.ism$"),
        ),
    ),
    Format(
        name="elins-p00",
        title="Elins text with title and dates",
        techniques=("eis",),
        module=f"{_PARSERS}.elins_p00",
        extensions=(".p00",),
        magic=(Magic(rb"\A\s*Procedure\s*:[^\n]*\n(?:[^\n]*\n){3}\s*f/Hz\s*\t", "text"),),
    ),
    Format(
        name="elins-i2b",
        title="Elins impedance spectrum",
        techniques=("eis",),
        module=f"{_PARSERS}.elins_i2b",
        extensions=(".i2b",),
        magic=(
            Magic(rb"(?m)^\s*\d+[ \t]*\r?\n[ \t]*[-+\d.eE]+(?:[ \t]+[-+\d.eE]+){2}[ \t]*\r?$", "text", name=r"\.i2b$"),
        ),
    ),
    Format(
        name="ivium-idf",
        title="IviumSoft data file or data set",
        techniques=("eis",),
        module=f"{_PARSERS}.ivium_idf",
        extensions=(".idf", ".ids"),
        magic=(
            Magic(rb"\A[^\n]{0,64}\n?Peaks=(?:true|false)\r?\n"),
            Magic(rb"\n(?:Method|Mconfig)=[^\n]*\n(?s:.*)\nprimary_data *\r?\n"),
        ),
    ),
    Format(
        name="palmsens-pssession",
        title="PalmSens PSTrace session",
        techniques=("eis",),
        module=f"{_PARSERS}.palmsens_pssession",
        extensions=(".pssession",),
        magic=(Magic(rb"\A\s*\{\s*\"[Tt]ype\"\s*:\s*\"PalmSens\.DataFiles\.SessionFile\"", "text"),),
    ),
    Format(
        name="zplot-z",
        title="Scribner ZPlot or ZView, and Z60W text of Autolab",
        techniques=("eis",),
        module=f"{_PARSERS}.zplot_z",
        extensions=(".z", ".txt"),
        magic=(
            Magic(rb"\A\W*ZPLOT2 ASCII", "text"),
            Magic(rb"\A\W*(ZPlotW|Z60W|ZView Calculated) Data File", "text"),
        ),
    ),
    Format(
        name="autolab-dfr",
        title="Autolab frequency response data",
        techniques=("eis",),
        module=f"{_PARSERS}.autolab_dfr",
        extensions=(".dfr",),
        magic=(Magic(rb"\AVERSION\d+\.\d+\s+\d+\s+\d+\s", "text"),),
    ),
    Format(
        name="versastudio-par",
        title="Princeton Applied Research VersaStudio",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.versastudio_par",
        extensions=(".par",),
        magic=(Magic(rb"\A\s*<Application>\s*\n\s*Name=VersaStudio", "text"),),
    ),
    Format(
        name="relaxis-txt",
        title="RelaxIS 3 spectrum export",
        techniques=("eis",),
        module=f"{_PARSERS}.relaxis_txt",
        extensions=(".txt",),
        magic=(Magic(rb"\A\s*RelaxIS [\d.]+ Spectrum export", "text"),),
    ),
    Format(
        name="moku-csv",
        title="Moku frequency response analyser (refused unless it holds an impedance)",
        techniques=("eis",),
        module=f"{_PARSERS}.moku_csv",
        extensions=(".csv",),
        magic=(Magic(rb"\A\s*% *Moku[^\n]*Frequency Response", "text"),),
    ),
    Format(
        name="chi-txt",
        title="CH Instruments text",
        techniques=("eis",),
        module=f"{_PARSERS}.chi_txt",
        extensions=(".txt", ".csv"),
        magic=(Magic(rb"(?s)\A[^\n]*\d{4}[^\n]*\n\s*A\.C\. Impedance\s*?\n.*\nInstrument Model:\s*CHI", "text"),),
    ),
    Format(
        name="maccor-txt",
        title="Maccor text",
        techniques=("cycling",),
        module=f"{_PARSERS}.maccor_txt",
        extensions=(".txt", ".csv"),
        magic=(
            Magic(rb"(?i)\A\s*\"?Rec#?\"?\s*[\t,;][^\r\n]*\bDPt[ -]Time\b", "text"),
            Magic(rb"(?i)\n\s*\"?Rec#?\"?\s*[\t,;][^\r\n]*\bDPt[ -]Time\b", "text"),  # found faster than by ^
        ),
    ),
    Format(
        name="basytec-txt",
        title="Basytec text",
        techniques=("cycling",),
        module=f"{_PARSERS}.cycler_text",
        extensions=(".txt", ".csv"),
        magic=(Magic(rb"\A\s*~Resultfile from Basytec", "text"),),
    ),
    Format(
        name="novonix-csv",
        title="Novonix UHPC text",
        techniques=("cycling",),
        module=f"{_PARSERS}.cycler_text",
        extensions=(".csv",),
        magic=(Magic(rb"\A(?:\s*\[Summary\]\s*)?\s*Novonix\b", "text"),),
    ),
    Format(
        name="pec-csv",
        title="PEC text",
        techniques=("cycling",),
        module=f"{_PARSERS}.cycler_text",
        extensions=(".csv",),
        magic=(Magic(rb"\A\s*Request Year:", "text"),),
    ),
    Format(
        name="digatron-csv",
        title="Digatron text",
        techniques=("cycling",),
        module=f"{_PARSERS}.cycler_text",
        extensions=(".csv", ".txt"),
        magic=(Magic(rb"\A(?=[^\r\n]*\bVoltage#)(?=[^\r\n]*\bCurrent#)[^\r\n]*\bTimestamp\b", "text"),),
        status="experimental",
    ),
    Format(
        name="xdi",
        title="XAS Data Interchange",
        techniques=("xanes",),
        module=f"{_PARSERS}.xdi",
        extensions=(".xdi", ".xxdi", ".dat"),
        magic=(Magic(rb"\A\s*#\s*XDI/", "text"),),
    ),
    Format(
        name="athena-prj",
        title="Athena project",
        techniques=("xanes",),
        module=f"{_PARSERS}.athena_prj",
        extensions=(".prj",),
        magic=(
            Magic(rb"Athena project file", "inflated"),
            Magic(rb"\A.{0,200}Athena project file", "text"),
            Magic(rb"\A\s*\{\s*\"_____", "inflated"),
            Magic(rb"\A\s*\{\s*\"_____", "text"),
        ),
    ),
    Format(
        name="vamas",
        title="VAMAS / ISO 14976",
        techniques=("xps",),
        module=f"{_PARSERS}.vamas",
        extensions=(".vms", ".npl", ".vamas"),
        magic=(Magic(rb"\A\s*VAMAS Surface Chemical Analysis Standard Data Transfer Format", "text"),),
    ),
    *MICROSCOPY,
    Format(
        name="neware-nda",
        title="Neware BTS binary",
        techniques=("cycling",),
        module=f"{_PARSERS}.neware_nda",
        extensions=(".nda",),
        magic=(Magic(rb"\ANEWARE\d{8}"),),
    ),
    Format(
        name="neware-ndax",
        title="Neware BTS archive",
        techniques=("cycling",),
        module=f"{_PARSERS}.neware_nda",
        extensions=(".ndax",),
        magic=(
            Magic(rb"(?s)\APK\x03\x04.{26}data(_\w+)?\.ndc"),
            # The first member is Neware's own, so that a zip archive which holds an .ndax file is none itself.
            Magic(
                rb"(?s)\APK\x03\x04.{26}(\w+Step|Step|\w+Info|\w+Config|\w+Comment)\.xml.*PK\x03\x04.{26}data(_\w+)?\.ndc"
            ),
        ),
    ),
    Format(
        name="neware-nested-csv",
        title="Neware BTSDA text with cycle, step and record rows",
        techniques=("cycling",),
        module=f"{_PARSERS}.neware_nested_csv",
        extensions=(".csv", ".txt"),
        magic=(Magic(rb"\A[^\r\n]+\r?\n([,;\t])[^\r\n]+\r?\n\1\1 *DataPoint\b", "text"),),
    ),
    Format(
        name="arbin-res",
        title="Arbin MITS result database",
        techniques=("cycling",),
        module=f"{_PARSERS}.arbin_res",
        extensions=(".res",),
        magic=(Magic(rb"(?s)\A\0\x01\0\0Standard (Jet|ACE) DB\0"),),
    ),
    Format(
        name="arbin-h5",
        title="Arbin SQL export, HDF5",
        techniques=("cycling",),
        module=f"{_PARSERS}.arbin_h5",
        extensions=(".h5", ".hdf5"),
        magic=(Magic(rb"(?s)\A\x89HDF\r\n\x1a\n(?=.*\0data_df\0)(?=.*\0info_df\0).*VData_Point\n"),),
    ),
    Format(
        name="bdf-parquet",
        title="Battery Data Format, Parquet",
        techniques=("cycling", "eis"),
        module=f"{_PARSERS}.bdf_parquet",
        extensions=(".parquet",),
        magic=(Magic(rb"\APAR1"),),
        sidecars=("*.bdf.metadata.json",),
        status="experimental",
    ),
    Format(
        name="spreadsheet",
        title="Excel or OpenDocument workbook with spectra or cycling records",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.spreadsheet",
        extensions=(".xlsx", ".xlsm", ".ods"),
        magic=(
            Magic(rb"(?s)\APK\x03\x04.*PK\x03\x04.{26}xl/(workbook\.xml|worksheets/)"),
            Magic(rb"(?s)\APK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet"),
        ),
    ),
    *ARCHIVES,
    # From here on the columns decide, for which the table has to be found first.
    Format(
        name="parstat-txt",
        title="Parstat text, record and spectra in one table",
        techniques=("eis", "cycling"),
        module=f"{_PARSERS}.parstat_txt",
        extensions=(".txt",),
        magic=(Magic(rb"(?s)\A(?=.*\nzre\n)(?=.*\nelapsedtime\n)(?=.*\n\|vac\|\n).*\n\|iac\|\n", "columns"),),
    ),
    Format(
        name="novocontrol-windeta",
        title="Novocontrol WinDETA text with permittivity or conductivity",
        techniques=("eis",),
        module=f"{_PARSERS}.novocontrol_windeta",
        extensions=(".txt", ".dat"),
        magic=(table_with((windeta.FREQUENCY,), (*windeta.PERMITTIVITY, *windeta.CONDUCTIVITY)),),
    ),
    Format(
        name="delimited-eds",
        title="delimited text with an EDS line scan",
        techniques=("eds",),
        module=f"{_PARSERS}.delimited_eds",
        extensions=(".csv", ".txt"),
        magic=(
            Magic(
                rb"(?s)\A(?=.*\n(?:distance|(?:line|scan)?position|dist)\n).*\n[a-z](?:[klm]|[a-z][klm]?)[ab]?\d?(?:\(\S*\))?\n",
                "columns",
            ),
        ),
    ),
    Format(
        name="delimited-eis",
        title="delimited text with an impedance spectrum",
        techniques=("eis",),
        module=f"{_PARSERS}.delimited_eis",
        extensions=(".csv", ".txt", ".tsv", ".dat"),
        magic=(
            table_with((eis.FREQUENCY,), (eis.REAL,), (eis.IMAGINARY, eis.MINUS_IMAGINARY), without=_COUNTERS),
            table_with((eis.FREQUENCY,), (eis.MODULUS,), (eis.PHASE, eis.MINUS_PHASE), without=_COUNTERS),
            Magic(rb"\A\nunnamed 3 logarithmic\n", "columns", name=r"\.(csv|txt|tsv|dat|eis)$"),
        ),
    ),
    Format(
        name="delimited-cycling",
        title="delimited text with a cycling record",
        techniques=("cycling", "eis"),
        module=f"{_PARSERS}.delimited_cycling",
        extensions=(".csv", ".txt", ".tsv", ".dat"),
        magic=(
            table_with(
                (cycling.TEST_TIME, cycling.PLAIN_TIME, cycling.CLOCK),
                (cycling.CURRENT,),
                (cycling.VOLTAGE, *_COUNTERS),
            ),
        ),
    ),
    Format(
        name="delimited-summary",
        title="delimited text with one row per cycle",
        techniques=("cycling_summary",),
        module=f"{_PARSERS}.delimited_summary",
        extensions=(".csv", ".txt", ".tsv"),
        magic=(table_with((summary.CYCLE,), (summary.LIMITS,), (summary.CHARGE, summary.DISCHARGE)),),
    ),
)


@cache
def formats() -> tuple[Format, ...]:
    """Return all format cards, those of other packages first so that they can specialise ours."""
    return tuple(entry.load() for entry in _plugins()) + BUILT_IN


def _plugins() -> list[EntryPoint]:
    """Return the entry points of our group; importlib's own way parses those of every package, in twice the time."""
    found = [
        entry
        for package in distributions()
        if f"[{_GROUP}]" in (package.read_text("entry_points.txt") or "")
        for entry in package.entry_points
        if entry.group == _GROUP
    ]
    return list(dict.fromkeys(found))
