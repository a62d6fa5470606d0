"""Identification by content: which card every real file bears, and which none may claim."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import pytest

from interlayer.parsers import Head, identify
from interlayer.parsers.reading import match

# Folder and extension of the corpus, and the card that every such file must bear; the first that fits counts. Formats
# whose reader comes later are claimed by none until then.
RULES = [
    (r"\.mpr$", "biologic-mpr"),
    (r"\.mpt$", "biologic-mpt"),
    (r"^cycling/PyProBE/Sample_data_biologic_.*\.txt$", "biologic-mpt"),  # BT-Lab
    (r"^eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C\.txt$", "biologic-mpt"),
    (r"^eis/AutoEIS/test_data\.txt$", "biologic-mpt"),  # EC-Lab's columns without its header
    (r"\.(dta|DTA)$", "gamry-dta"),
    (r"^eis/pyimpspec/data[-\w]*\.csv$", "delimited-eis"),
    (r"\.P00$", "elins-p00"),
    (r"\.i2b$", "elins-i2b"),
    (r"\.id[fs]$", "ivium-idf"),
    (r"\.pssession$", "palmsens-pssession"),
    (r"\.ism$", "zahner-ism"),
    (r"^eis/EISFitpython/(s04147-\d+deg\.txt|Example2a\.txt|Example_header\.txt|CSV_Example\.csv)$", "delimited-eis"),
    (r"^eis/impedance.py/exampleDataPowersuite\.txt$", "delimited-eis"),
    (r"^eis/impedance.py/exampleDataCHInstruments\.txt$", "chi-txt"),
    (r"^eis/impedance.py/exampleDataParstat\.txt$", "parstat-txt"),
    (r"^eis/impedance.py/exampleDataAutolab\.txt$", "zplot-z"),
    (r"^eis/(impedance.py|pyimpspec)/.*\.z$", "zplot-z"),
    (r"^eis/pyimpspec/data\.dfr$", "autolab-dfr"),
    (r"^eis/impedance.py/exampleDataVersaStudio\.par$", "versastudio-par"),
    (r"^eis/hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS\.txt$", "relaxis-txt"),
    (r"^eis/ImpedanceFitter/MokuGo_47R_100R_shunt\.csv$", "moku-csv"),
    (r"^eis/novocontrol_toolbox/.*\.txt$", "novocontrol-windeta"),
    (r"^cycling/cellpy/nw_regular_export_ife_example\.csv$", "neware-nested-csv"),
    (r"\.nda$", "neware-nda"),
    (r"\.ndax$", "neware-ndax"),
    (r"\.res$", "arbin-res"),
    (r"^cycling/cellpy/20200624_test001_cc_01\.h5$", "arbin-h5"),
    (r"\.(xlsx|ods)$", "spreadsheet"),
    (r"^eis/(impedance.py|eis_analysis|EISART|pyDRTtools)/.*\.csv$", "delimited-eis"),
    (r"\.bcf$", "bruker-bcf"),
    (r"\.spx$", "bruker-spx"),
    (r"^tem/rosettasciio/jeol/.*\.ASW$", "jeol-asw"),
    (r"^tem/rosettasciio/jeol/.*\.(img|map)$", "jeol-image"),
    (r"^tem/rosettasciio/jeol/.*\.pts$", "jeol-pts"),
    (r"^tem/rosettasciio/jeol/.*\.EDS$", "jeol-eds"),
    (r"\.spc$", "edax-spc"),
    (r"\.(blo|prz|elid|tvips|unf|zspy)$", "em-tail"),
    (r"^tem/synthetic/.*\.csv$", "delimited-eds"),
    (r"\.ser$", "tia-ser"),
    (r"\.emi$", "tia-emi"),
    (r"\.emd$", "emd"),
    (r"^tem/.*/(py4DSTEM_size2x3x4x5|emd_type1_stringDims)\.h5$", "emd"),
    (r"\.hspy$", "hyperspy-hdf5"),
    (r"^tem/rosettasciio/hspy/example1_v1\.2\.hdf5$", "hyperspy-hdf5"),
    (r"\.mrc$", "mrc"),
    (r"\.msa$", "emsa-msa"),
    (r"\.rpl$", "ripple-rpl"),
    (r"^eis/pyDRTtools/LIB_data\.txt$", "delimited-eis"),
    (r"^cycling/cellpy/(custom_\w+|neware_uio)\.csv$", "delimited-cycling"),
    (r"^cycling/battery-data-format/.*\.csv$", "delimited-cycling"),
    (r"^cycling/battery-data-toolkit/(arbin_example|p492-13-raw|CALCE.*timeseries)\.csv$", "delimited-cycling"),
    (r"^cycling/PyProBE/sample_data_arbin\.csv$", "delimited-cycling"),
    (
        r"^cycling/(cellpy/maccor_\w+\.txt|PyProBE/sample_data_maccor\.csv|battery-data-toolkit/maccor_.*)$",
        "maccor-txt",
    ),
    (r"^cycling/PyProBE/sample_data_basytec\.txt$", "basytec-txt"),
    (r"^cycling/PyProBE/sample_data_novonix\.csv$", "novonix-csv"),
    (r"^cycling/cellpy/(pec|Test\d+)\.csv$", "pec-csv"),
    (r"^cycling/battery-data-toolkit/(p492-13-summary|CALCE.*cycle_data)\.csv$", "delimited-summary"),
    (r"^xanes/XAS-Data-Interchange__bad_01\.xdi$", ""),  # its fault is the missing first line
    (r"^xanes/araucaria__p65_testfile\.xdi$", ""),  # XDI by name only
    (r"^xanes/xraylarch__(APS13ID_2019\.dat|NSLS6BM_2019\.dat|fexanes_a\.001)$", "xdi"),
    (r"^xanes/.*\.xx?di?$", "xdi"),
    (r"^xanes/.*\.prj$", "athena-prj"),
    # Comments cut out of VAMAS files, without any block.
    (r"^haxpes/pynxtools-xps__(casa_header|casa_process|kratos|phi|specs_block|specs_header)\.vms$", ""),
    (r"^haxpes/.*\.(vms|npl)$", "vamas"),
    (r"^tem/.*\.dm[34]$", "dm"),
    (r"^tem/.*\.dm5$", "dm5"),
    (r"^tem/.*\.tiff?$", "tiff"),
    (r"\.zip$", "zip"),
    (r"\.gz$", "gzip"),
    (r"", ""),
]


def expected(path: str) -> str:
    return next(card for pattern, card in RULES if re.search(pattern, path))


def test_every_file_of_the_corpus_bears_its_card_or_none(corpus):
    """507 files of 100 formats: a wrong claim would hand a file to a reader that knows nothing of it."""
    with (Path(__file__).parents[1] / "corpus.tsv").open(encoding="utf-8", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file, delimiter="\t")]
    there = [path for path in paths if (corpus.folder / path).exists()]
    assert len(there) > 450, "some files have no public source, the others have to be there"
    cards = {path: identify(corpus.folder / path) for path in there}
    found = {path: card.name if card else "" for path, card in cards.items()}
    assert found == {path: expected(path) for path in there}


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.mpr", "x.tif", "x", "X.CSV"])
def test_content_decides_and_not_the_name(name):
    """A spectrum saved as .tif is a spectrum; people rename files."""
    text = b"freq/Hz;Re(Z)/Ohm;-Im(Z)/Ohm\n" + b"1000,5;10,5;2,5\n100,5;11,5;3,5\n10,5;12,5;4,5\n"
    card = match(Head(text, name))
    assert card is not None
    assert card.name == "delimited-eis"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_is_identified_in_every_encoding(encoding):
    """Excel's 'Unicode text' is UTF-16 with tabs."""
    text = "Test Time (s)\tVoltage (V)\tCurrent (µA)\n" + "1\t3.5\t20\n2\t3.6\t20\n3\t3.7\t20\n"
    card = match(Head(text.encode(encoding), "x.txt"))
    assert card is not None
    assert card.name == "delimited-cycling"


@pytest.mark.parametrize(
    "text",
    [
        "The frequency was 1 kHz, Z' and Z'' were measured.\nTime, voltage and current too.\n",
        "energy,i0,mu\n7100,1,2\n7101,1,3\n7102,1,4\n",
        "binding energy;counts\n10;1\n11;2\n12;3\n",
        "1,2,3\n2,3,4\n3,4,5\n4,5,6\n5,6,7\n",
        "".join(f"{100 * k},{k},{k}\n" for k in range(1, 30)),
        "",
    ],
    ids=["prose", "XAS", "XPS", "numbers", "linear axis", "nothing"],
)
def test_other_text_is_claimed_by_no_delimited_reader(text):
    """Words in a comment, or three columns of numbers, make no spectrum and no cycling record."""
    card = match(Head(text.encode(), "x.csv"))
    assert card is None


def test_identifying_imports_no_reader():
    """Listing a folder of a thousand files must not load every reader first."""
    readers = {f"interlayer.parsers.{name}" for name in ("delimited_eis", "delimited_cycling", "gamry_dta")}
    saved = {name: sys.modules.pop(name) for name in readers if name in sys.modules}
    try:
        match(Head(b"EXPLAIN\nTAG\tEISPOT\n", "x.dta"))
        match(Head(b"f,Z',Z''\n1,2,3\n2,3,4\n3,4,5\n", "x.csv"))
        assert not readers & set(sys.modules)
    finally:
        sys.modules.update(saved)


def test_only_the_head_of_a_file_is_read(tmp_path: Path):
    """A file of gigabytes is known by its first 64 KiB, also when these end within a row or a character."""
    path = tmp_path / "x.csv"
    path.write_bytes(b"freq/Hz,Re(Z)/\xe2\x84\xa6,Im(Z)/\xe2\x84\xa6\n" + b"1000.25,10.5,-2.5\n" * 20_000)
    card = identify(path)
    assert card is not None
    assert card.name == "delimited-eis"
