"""Every impedance file of the corpus: its documented numbers, or the refusal that it deserves; no false suspicion."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from interlayer.parsers import (
    AmbiguousContent,
    ParseError,
    Source,
    UnknownFormat,
    UnsupportedContent,
    findings,
    measurements,
)

# Path below eis/: spectra, points of all of them, lowest and highest frequency (Hz), from the corpus' own list. It
# counts 29 rows with f = 0 of geis as points, and one of the two spectra of drift-corrected-data.
DOCUMENTED = {
    "impedance.py/exampleData.csv": (1, 66, 0.0031623, 10000.0),
    "impedance.py/exampleDataAutolab.txt": (1, 41, 0.1, 10000.0),
    "impedance.py/exampleDataBioLogic.mpt": (1, 43, 0.01689554, 1000.3201),
    "impedance.py/exampleDataCHInstruments.txt": (1, 73, 0.1, 99610.0),
    "impedance.py/exampleDataGamry.DTA": (1, 72, 0.0158898, 200015.6),
    "impedance.py/exampleDataGamryABORT.DTA": (1, 72, 0.0158898, 200015.6),
    "impedance.py/exampleDataParstat.txt": (1, 31, 10.0, 10000.0),
    "impedance.py/exampleDataPowersuite.txt": (1, 30, 0.1, 2000000.0),
    "impedance.py/exampleDataVersaStudio.par": (1, 61, 0.02154435, 100000.0),
    "impedance.py/exampleDataZPlot.z": (1, 21, 3000.0, 300000.0),
    "impedance.py/exampleDataZPlot_noComments.z": (1, 31, 300.0, 300000.0),
    "impedance.py/Circuit1_EIS_1.z": (1, 48, 1.0, 50000.0),
    "impedance.py/Circuit3_EIS_1.z": (1, 53, 1.0, 150000.0),
    "pyimpspec/data.dfr": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.dta": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.i2b": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.ids": (2, 58, 1.0, 10000.0),
    "pyimpspec/data.idf": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.P00": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.pssession": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.mpt": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.z": (1, 29, 1.0, 10000.0),
    "pyimpspec/drift-corrected-data.dta": (2, 110, 0.1001603, 100078.1),
    "pyimpspec/data-comma.csv": (1, 29, 1.0, 10000.0),
    "pyimpspec/data-header-variant-2.csv": (1, 29, 1.0, 10000.0),
    "pyimpspec/data-header-variant-3.csv": (1, 29, 1.0, 10000.0),
    "pyimpspec/data-header-variant-4.csv": (1, 29, 1.0, 10000.0),
    "pyimpspec/data-semicolon.csv": (1, 29, 1.0, 10000.0),
    "pyimpspec/data.xlsx": (4, 116, 1.0, 10000.0),
    "pyimpspec/data.ods": (4, 116, 1.0, 10000.0),
    "pyimpspec/case-multiple-spectra.mpt": (3, 87, 1.0, 10000.0),
    "yadg/peis.mpr": (1, 32, 1.0000616312026978, 199998.140625),
    "yadg/peis.mpt": (1, 32, 1.0000616, 199998.14),
    "yadg/peis.issue_149.mpr": (4, 84, 99.9681625366211, 199998.140625),
    "yadg/peis.issue_149.mpt": (4, 84, 99.968163, 199998.14),
    "yadg/geis.mpr": (61, 2499, 0.19980815, 1000018.5625),
    "yadg/geis.mpt": (61, 2499, 0.19980815, 1000018.6),
    "yadg/vsp_peis_with.mpr": (32, 2240, 0.09990411251783371, 1000018.5625),
    "yadg/vsp_peis_with.mpt": (32, 2240, 0.099904113, 1000018.6),
    "hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.mpr": (1, 79, 0.10002180933952332, 7000018.5),
    "hybrid-drt/PEIS_LPSCl_IonBlocking_-25C.txt": (1, 79, 0.10002181, 7000018.5),
    "hybrid-drt/PEIS_LPSCl_IonBlocking_-25C_RelaxIS.txt": (1, 79, 0.10002180933952332, 7000018.5),
    "hybrid-drt/PEIS_SSB.mpr": (1, 89, 0.009997263550758362, 7000018.5),
    "hybrid-drt/EISGALV_EISTest3.DTA": (1, 71, 0.1001603, 1000078.0),
    "EISFitpython/s04147-140deg.txt": (1, 42, 0.03, 1000000.0),
    "EISFitpython/s04147-150deg.txt": (1, 42, 0.03, 1000000.0),
    "EISFitpython/s04147-160deg.txt": (1, 42, 0.03, 1000000.0),
    "EISFitpython/s04147-170deg.txt": (1, 41, 0.045773, 1000000.0),
    "EISFitpython/s04147-180deg.txt": (1, 41, 0.045773, 1000000.0),
    "EISFitpython/s04147-190deg.txt": (1, 41, 0.045773, 1000000.0),
    "EISFitpython/s04147-200deg.txt": (1, 40, 0.069838, 1000000.0),
    "EISFitpython/Example2a.txt": (1, 51, 0.30000001, 1000000.0),
    "EISFitpython/CSV_Example.csv": (1, 50, 0.30000001, 1000000.0),
    "EISFitpython/Example_header.txt": (1, 50, 0.003, 10000000.0),
    "Zahner-Analysis-Python/li-ion-battery.ism": (1, 128, 0.0005, 5000.0),
    "Zahner-Analysis-Python/rc-data.ism": (1, 55, 0.2, 100000.0),
    "Zahner-Analysis-Python/000_mvdc.ism": (1, 38, 100.0, 500000.0),
    "Zahner-Analysis-Python/150_mvdc.ism": (1, 38, 100.0, 500000.0),
    "Zahner-Analysis-Python/300_mvdc.ism": (1, 38, 100.0, 500000.0),
    "Zahner-Analysis-Python/drift.ism": (1, 47, 0.1, 50000.0),
    "novocontrol_toolbox/Test_X4_22-50-70-90DEG.txt": (4, 240, 0.1, 10000000.0),
    "aurora-cycler-manager/PEIS.mpr": (4, 244, 0.010009169578552246, 10002.2255859375),
    "eis_analysis/example_eis_data.csv": (1, 106, 0.01, 100000.0),
    "PyEIS/ex1.mpt": (2, 118, 0.010005763, 200019.48),
    "pyDRTtools/data_1.csv": (1, 107, 0.005000832, 999.040405),
    "pyDRTtools/LIB_data.txt": (1, 107, 0.00500083202, 999.040405),
    "pyDRTtools/2ZARC1.csv": (1, 81, 0.01, 1000000.0),
    "EISART/eis_button_sofc_with_title.csv": (1, 61, 0.100000001, 100000.0),
    "EISART/eis_planar_mess.ism": (1, 74, 0.1, 100000.0),
    "AutoEIS/test_data.txt": (1, 67, 0.00099990517, 200019.48),
    "biologic-converter/zir.mpr": (1, 1, 10019.53125, 10019.53125),
    "biologic-converter/zir.mpt": (1, 1, 10019.531, 10019.531),
}
REFUSED = {
    "impedance.py/exampleDataBioLogic_MissingFreq.mpt": (UnsupportedContent, "no frequency column"),
    "ImpedanceFitter/MokuGo_47R_100R_shunt.csv": (UnsupportedContent, "depends on the shunt resistor"),
    # Their owners scrambled each column by its own factor, so that no two quantities agree.
    "novocontrol_toolbox/test_X005.txt": (AmbiguousContent, "times that from the permittivity"),
    "novocontrol_toolbox/test_X14.txt": (AmbiguousContent, "times that from the permittivity"),
    # A log, notes and reports: text about measurements, with numbers in it.
    "aurora-cycler-manager/PEIS.mpl": (UnknownFormat, "EC-Lab LOG FILE"),
    "hybrid-drt/sample_info.txt": (UnknownFormat, "no known format"),
    "EISFitpython/Arrhenius_Analysis_Report.txt": (UnknownFormat, "no known format"),
    "EISFitpython/Batch_EISfit_Report.txt": (UnknownFormat, "no known format"),
    "EISFitpython/Effective_Capacitance_Values.txt": (UnknownFormat, "no known format"),
    "EISFitpython/EIS_fit_report.txt": (UnknownFormat, "no known format"),
}
SUSPICIONS = frozenset({
    "frequency-grid", "frequency-order", "isolated-points", "negative-resistance", "phase-against-slope",
    "polar-mismatch", "repeated-sweep", "several-sweeps", "short-sweep", "damaged-rows", "ragged-rows",
    "incomplete-rows", "truncated-row", "truncated-file", "no-line-end",
})  # fmt: skip
SUSPECT = {
    # The AC amplitudes differ from |Z| by up to 31 %; the phase jumps by 40 degrees between points.
    "impedance.py/exampleDataParstat.txt": {"isolated-points", "polar-mismatch"},
    # Behind the last capacitive point, at 2 MHz and 10 MHz, the phase jumps by more than 100 degrees.
    "impedance.py/exampleDataPowersuite.txt": {"isolated-points"},
    "EISFitpython/Example_header.txt": {"isolated-points"},
    # 0.9 ohm between 14 and 14 ohm at 51 Hz, beside the mains.
    "yadg/peis.mpr": {"isolated-points"},
    "yadg/peis.mpt": {"isolated-points"},
    # One spectrum written three times.
    "pyimpspec/case-multiple-spectra.mpt": {"repeated-sweep"},
    # Scrambled: every value, frequencies included, by its own factor within 20 %.
    "novocontrol_toolbox/Test_X4_22-50-70-90DEG.txt": {"frequency-grid", "isolated-points"},
    # Leads outweigh the cell: "mess" is in the name.
    "EISART/eis_planar_mess.ism": {"isolated-points", "phase-against-slope"},
}


def spectra(path: Path) -> list:
    found = [measurement for measurement in measurements(Source(path)) if "impedance" in measurement.dataset]
    return [measurement.dataset for measurement in found if not measurement.group.endswith("overlap")]


def test_no_file_of_the_corpus_is_left_out():
    """A file that no table names would be read by nobody."""
    with (Path(__file__).parents[1] / "corpus.tsv").open(encoding="utf-8", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file, delimiter="\t")]
    assert DOCUMENTED.keys() | REFUSED.keys() == {path[4:] for path in paths if path.startswith("eis/")}


@pytest.mark.parametrize("path", DOCUMENTED)
def test_every_file_has_its_documented_numbers(corpus, path):
    """Spectra, points and range: what a merged, cut or shifted table would change first."""
    count, points, lowest, highest = DOCUMENTED[path]
    found = spectra(corpus / f"eis/{path}")
    frequency = np.concatenate([dataset["frequency"].values for dataset in found])
    assert (len(found), len(frequency)) == (count, points)
    np.testing.assert_allclose((frequency.min(), frequency.max()), (lowest, highest), rtol=1e-7)


@pytest.mark.parametrize("path", REFUSED)
def test_every_other_file_is_refused_with_the_reason(corpus, path):
    """No number is made of a file that does not say what it means."""
    kind, reason = REFUSED[path]
    with pytest.raises(ParseError, match=reason) as refusal:
        spectra(corpus / f"eis/{path}")
    assert type(refusal.value) is kind


@pytest.mark.parametrize("path", DOCUMENTED)
def test_only_suspect_spectra_are_suspected(corpus, path):
    """Warnings that come with every file are read by nobody."""
    said = {finding.code for dataset in spectra(corpus / f"eis/{path}") for finding in findings(dataset.attrs)}
    assert said & SUSPICIONS == SUSPECT.get(path, set())


def test_an_export_without_header_keeps_its_first_and_last_point(corpus):
    """AutoEIS' spectrum is the table of EC-Lab alone; its rows, by eye, and the sign of -Im(Z)."""
    (dataset,) = spectra(corpus / "eis/AutoEIS/test_data.txt")
    assert dataset.attrs["format"] == "biologic-mpt"
    impedance = dataset["impedance"].values
    assert impedance[[0, -1]] == pytest.approx([130.4171 - 34.680012j, 5170240.5 - 2345775.5j], rel=1e-12)
    assert dataset["dc_current"].values[0] == pytest.approx(-9.9461863e-7, rel=1e-12)
