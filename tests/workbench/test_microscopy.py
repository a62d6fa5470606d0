"""What a run makes of micrographs and line scans: what is asked of the user, what is taken off, what is compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import interlayer as il
from interlayer import sample_data
from interlayer.analyses_images import images
from interlayer.analyses_tem import of_spectra, spectra
from interlayer.analysis import Quantity
from interlayer.attempt import Task
from interlayer.cli import main
from interlayer.experiment import ExperimentError, load
from interlayer.parsers import schema
from interlayer.plot_tem import interfaces_figure
from interlayer.sample_data.simulators import eds, tem

FOLDER = "tem_lco_sulfide_line_scans"
WIDTH = 2.5631031310892007  # of a normal distribution from 10 to 90 %, in standard deviations


def line_scan(width, *, seed=1, probe_sigma=0.0, kind="graded"):
    """Return a simulated scan of a falling and a rising line with 300 counts a point."""
    distance, counts = eds.line_scan(eds.Interface(width, kind, probe_sigma), eds.Scan(), seed)
    counts = xr.Variable(("distance", "line"), counts.astype(float), {"units": "count"})
    place = xr.Variable("distance", distance, {"units": "nm"})
    return schema.build("eds", {"distance": place, "line": ["Co_K", "S_K"], "counts": counts})


def spectrum_map():
    """Return a simulated map of an interface of 12 nm with its axes in nm and eV."""
    field, emission = eds.Field(size=64), eds.Emission()
    counts = eds.spectrum_map(eds.Interface(12.0), field, emission, 3)
    values = {name: xr.Variable(name, field.axis - field.axis[0], {"units": "nm"}) for name in ("y", "x")}
    values["energy"] = xr.Variable("energy", emission.energy, {"units": "eV"})
    values["counts"] = xr.Variable(("y", "x", "energy"), counts.astype(float), {"units": "count"})
    return schema.build("eds", values)


def result(ds, facts):
    (outcome,) = of_spectra(ds, facts)
    assert outcome.problem is None
    return outcome.result


def nm(name, value, uncertainty):
    return Quantity(name, value, uncertainty, "nm")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return what comes of the committed line scans, and the folder of the results."""
    return il.run(sample_data.path(FOLDER), out=tmp_path_factory.mktemp("run") / "results")


def test_the_two_samples_of_the_review_from_files_to_ratio(run):
    """~30 nm bare against ~17 nm coated is what the review prints; the ratio is worth nothing without a definition."""
    (series,) = run.series
    truth = sample_data.truth(f"{FOLDER}/coated against bare")
    ratio, difference = series.outcome.headlines
    assert (ratio.name, difference.name) == ("width_ratio", "width_difference")
    for quantity in (ratio, difference):
        low, high = quantity.interval95 or (quantity.value - 2 * quantity.stderr, quantity.value + 2 * quantity.stderr)
        assert low < truth[quantity.name]["value"] < high
    assert f"{ratio.value:.2f}" in ("0.55", "0.56", "0.57", "0.58")
    assert ratio.stderr < 0.02
    assert series.kind == "coated against bare, 10-90 % width"
    assert series.members == ("coated.csv", "bare.csv")
    assert "by the 10-90 % width; the ratio is 0.5" in series.outcome.result.notes[0]
    assert series.simulated


def test_each_scan_is_held_against_its_value_of_the_review(run):
    """The report must show where 30 and 17 nm come from."""
    for file, reported in (("bare.csv", "30 nm"), ("coated.csv", "17 nm")):
        (measurement,) = next(found for found in run.files if found.path == file).measurements
        (outcome,) = measurement.outcomes
        (comparison,) = outcome.comparisons["interdiffusion_width"]
        assert comparison.verdict == "agrees"
        assert reported in comparison.statement


def test_the_report_prints_the_definition(run):
    """Whoever reads only the page must not take a coexistence zone for a 10-90 width."""
    page = (run.out / "report.html").read_text(encoding="utf-8")
    assert "coated against bare, 10-90 % width" in page
    assert "simulated" in page


@pytest.mark.parametrize(
    ("definition", "name", "title"),
    [
        ("10-90", "interdiffusion_width", "10-90 % width"),
        ("sigma", "interdiffusion_sigma", "standard deviation"),
        ("coexistence", "coexistence_width", "coexistence zone"),
    ],
)
def test_another_definition_is_compared_and_named(tmp_path, definition, name, title):
    """For one shape the ratio does not depend on the definition; the widths do, by a factor of three."""
    for file in ("bare.csv", "coated.csv"):
        (tmp_path / file).write_bytes(sample_data.path(f"{FOLDER}/{file}").read_bytes())
    facts = f'[tem]\nbare = ["bare*"]\ncompared_width = "{definition}"\n'
    (tmp_path / "experiment.toml").write_text(facts, encoding="utf-8")
    (series,) = il.run(tmp_path, out=tmp_path / "results").series
    assert title in series.kind
    assert series.outcome.result["width_ratio"].value == pytest.approx(17.0 / 30.0, abs=0.05)
    assert series.outcome.result.provenance["definition"] == name


def test_a_bare_sample_alone_is_not_compared(tmp_path):
    """Without a coated scan there is a width and a reason, no ratio."""
    (tmp_path / "bare.csv").write_bytes(sample_data.path(f"{FOLDER}/bare.csv").read_bytes())
    (tmp_path / "experiment.toml").write_text('[tem]\nbare = ["bare*"]\n', encoding="utf-8")
    run = il.run(tmp_path, out=tmp_path / "results")
    assert run.files[0].measurements[0].outcomes[0].headlines[0].name == "interdiffusion_width"
    assert "no width of a coated interface" in run.series[0].outcome.declined


def test_a_pattern_without_a_file_is_an_error(tmp_path):
    """A misspelt name would turn the bare sample into a coated one."""
    (tmp_path / "experiment.toml").write_text('[tem]\nbare = ["blank*"]\n', encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"tem\.bare"):
        load(tmp_path / "experiment.toml")


def test_the_probe_is_taken_off():
    """Behind a probe of 4 nm standard deviation, a 17 nm interface looks 20 nm wide (squares add)."""
    ds = line_scan(17.0, probe_sigma=4.0)
    seen, true = result(ds, {}), result(ds, {"probe_size": nm("probe_size", 4.0, 0.2), "probe_definition": "sigma"})
    assert seen["interdiffusion_width"].value == pytest.approx(math.hypot(17.0, 4.0 * WIDTH), rel=0.04)
    low, high = true["interdiffusion_width"].interval95
    assert low < 17.0 < high
    assert "probe" in true.budget["interdiffusion_width"]


def test_a_probe_size_without_definition_is_a_full_width():
    """Instruments print the full width at half maximum; taken for a standard deviation it would take off too much."""
    ds = line_scan(17.0, probe_sigma=4.0)
    fwhm = nm("probe_size", 4.0 * 2.0 * math.sqrt(2.0 * math.log(2.0)), 0.2)
    sigma = {"probe_size": nm("probe_size", 4.0, 0.2), "probe_definition": "sigma"}
    widths = [result(ds, facts)["interdiffusion_width"].value for facts in ({"probe_size": fwhm}, sigma)]
    assert widths[0] == pytest.approx(widths[1], rel=1e-9)


def test_foil_and_tilt_are_taken_off():
    """A foil of 100 nm that leans by 5 degrees smears an interface over 8.7 nm, with a variance of its square / 12."""
    facts = {
        "foil_thickness": nm("foil_thickness", 100.0, 1.0),
        "interface_tilt": Quantity("interface_tilt", 5.0, 0.0, "degree"),
        "beam_energy": Quantity("beam_energy", 200.0, None, "keV"),
        "foil_formula": "LiCoO2",
        "foil_density": Quantity("foil_density", 5.0, 0.1, "g cm-3"),
    }
    found = result(line_scan(30.0), facts)
    tilt = (100.0 * math.tan(math.radians(5.0))) ** 2 / 12.0
    # Goldstein and Reed, b = 7.21e5 Z / E0 (rho / A)^(1/2) f^(3/2) in cm; a quarter of its variance, 4.292 sigma wide.
    spread = 7.21e12 * 11.5 / 2e5 * math.sqrt(5.0 / 24.468) * 1e-5**1.5
    broadening = (spread / (2.0 * 2.0 * math.sqrt(2.0 * math.log(10.0)))) ** 2
    assert float(found.provenance["blur_variance"]) == pytest.approx(tilt + broadening, rel=0.01)


def test_half_the_facts_of_the_beam_ask_for_the_other_half():
    """A stated beam energy means that the spread of the beam is to be taken off; silence would hide that it is not."""
    found = list(of_spectra(line_scan(17.0), {"beam_energy": Quantity("beam_energy", 200.0, None, "keV")}))
    assert found[0].result is not None
    assert [entry.key for entry in found[1].missing] == ["tem.foil_thickness", "tem.foil_formula", "tem.foil_density"]
    leaning = list(of_spectra(line_scan(17.0), {"interface_tilt": Quantity("interface_tilt", 1.0, 1.0, "degree")}))
    assert [entry.key for entry in leaning[1].missing] == ["tem.foil_thickness"]


def test_lines_and_tau_are_those_of_the_facts():
    """A coexistence zone without its threshold, or with lines nobody chose, cannot be compared."""
    found = result(line_scan(17.0), {"lines": ("Co_K",), "tau": 0.1})
    assert found.provenance["lines"] == "Co_K"
    assert found["coexistence_width"].value == pytest.approx(found["interdiffusion_width"].value)


def test_a_layer_shows_its_thickness_beside_the_width():
    """A reaction layer of 17 nm is no interdiffusion of 17 nm; both numbers stand in the table."""
    (outcome,) = of_spectra(line_scan(17.0, probe_sigma=1.0, kind="layer"), {})
    names = [quantity.name for quantity in outcome.headlines]
    assert names == ["interdiffusion_width", "reaction_layer_thickness"]
    assert outcome.headlines[1].value == pytest.approx(17.0, rel=0.05)
    assert il.plot(outcome.result).axes[-1].texts[-1].get_text().startswith("layer: 1")


def test_a_map_is_cut_across_the_interface_when_the_facts_say_where(tmp_path):
    """A survey map has no width; with a line and an edge to follow, it gives the one of the simulator, 12 nm."""
    ds = spectrum_map()
    task = Task({"map": ds}, {}, tmp_path / "map.emd", tmp_path)
    assert list(spectra(task)) == []
    (asked,) = of_spectra(ds, {"across": "Co_Ka"})
    assert [entry.key for entry in asked.missing] == ["tem.lines"]
    low, high = result(ds, {"across": "Co_Ka", "lines": ("Co_Ka", "S_Ka")})["interdiffusion_width"].interval95
    assert low < 12.0 < high


@pytest.fixture(scope="module")
def micrograph(tmp_path_factory):
    """Return a simulated micrograph of a layer of 17 nm."""
    made = tem.dm3("a.dm3", tem.Layer(), tem.Detector(size=384, pixel_size=0.4), 5, stated_pixel_size=0.4, comment="-")
    file = tmp_path_factory.mktemp("image") / made.name
    file.write_bytes(made.content)
    return il.read(file)


def test_a_stated_tilt_corrects_the_thickness(micrograph, tmp_path):
    """Seen at 10 degrees a layer looks thicker by 1 / cos of it."""
    found = []
    for facts in ({}, {"interface_tilt": Quantity("interface_tilt", 10.0, 0.5, "degree")}):
        ((_, outcome),) = images(Task({"image": micrograph}, facts, tmp_path / "a.dm3", tmp_path))
        found.append(outcome.result["layer_thickness"].value)
    assert found[1] / found[0] == pytest.approx(math.cos(math.radians(10.0)), rel=2e-3)


def test_images_of_a_series_are_combined_and_bare_ones_apart(tmp_path):
    """One image says little of a coating; those of the bare sample must not be averaged into it."""
    detector = tem.Detector(size=384, pixel_size=0.4)
    for seed, name in enumerate(("a", "b", "c", "bare")):
        layer = tem.Layer(thickness=30.0 if name == "bare" else 17.0)
        made = tem.dm3(f"{name}.dm3", layer, detector, seed + 20, stated_pixel_size=0.4, comment="-")
        (tmp_path / made.name).write_bytes(made.content)
    facts = '[sample]\nsimulated = true\n[tem]\nseries = "Al2O3"\nbare = ["bare*"]\n'
    (tmp_path / "experiment.toml").write_text(facts, encoding="utf-8")
    (series,) = il.run(tmp_path, out=tmp_path / "results").series
    assert (series.kind, series.sample) == ("coated, 3 images", "Al2O3")
    assert series.members == ("a.dm3", "b.dm3", "c.dm3")
    low, high = series.outcome.headlines[0].interval95
    assert low < 17.0 < high
    assert series.outcome.headlines[1].name == "layer_thickness_sd"


def test_figure_of_a_width_draws_counts_model_residuals_and_definitions():
    """The same scan is 17, 22 or 7 nm wide by definition; the figure shows which is which."""
    found = result(line_scan(17.0), {})
    profile, residual, shares = il.plot(found).axes
    assert [text.get_text() for text in profile.get_legend().get_texts()] == ["Co K", "S K"]
    assert profile.get_ylabel() == "counts"
    counts = [line for line in profile.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(counts[0].get_ydata(), found.curves["counts"].sel(line="Co_K"))
    left = np.concatenate([line.get_ydata() for line in residual.lines[:2]])
    assert np.std(left) == pytest.approx(1.0, abs=0.15)  # in standard deviations of Poisson's distribution
    bars = [float(np.ptp(line.get_xdata())) for line in shares.lines if line.get_linewidth() == 2.2]
    names = ("interdiffusion_width", "coexistence_width", "interdiffusion_sigma")
    assert bars == pytest.approx([found[name].value for name in names])
    labels = [text.get_text() for text in shares.texts]
    assert labels[0].startswith("10–90 %: 1")
    assert "τ = 0.05" in labels[1]


def test_figure_of_a_limit_says_that_it_is_one():
    """A sharp step under a probe of 2 nm has no width to print, only one that it does not exceed."""
    probe = {"probe_size": nm("probe_size", 2.0, 0.2), "probe_definition": "sigma"}
    found = result(line_scan(0.0, probe_sigma=2.0), probe)
    assert found["interdiffusion_width"].relation == "<"
    shares = il.plot(found).axes[-1]
    assert all(line.get_linestyle() == ":" for line in shares.lines if line.get_linewidth() == 2.2)
    assert "< " in shares.texts[0].get_text()


def test_figure_of_both_interfaces_puts_them_on_one_centre():
    """The eye compares slopes only where the profiles cross at one point."""
    results = {"bare": result(line_scan(30.0), {}), "coated": result(line_scan(17.0, seed=2), {})}
    over, beside = interfaces_figure(results).axes
    assert [text.get_text() for text in over.get_legend().get_texts()] == ["bare", "coated"]
    models = [line for line in over.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 2]
    for model in models:
        assert np.interp(0.0, model.get_xdata(), model.get_ydata()) == pytest.approx(0.5, abs=0.02)
    assert len(beside.get_yticklabels()) == 3


K_FACTORS = {"Co_K": Quantity("k", 1.5, 0.05, "1"), "S_K": Quantity("k", 1.0, None, "1")}


def test_k_factors_give_the_composition_of_both_sides():
    """Cobalt falls from nearly all to nearly nothing; the width of the interface does not depend on the k-factors."""
    ds = line_scan(17.0)
    width, composition = of_spectra(ds, {"k_factors": K_FACTORS})
    assert width.result["interdiffusion_width"] == result(ds, {})["interdiffusion_width"]
    fractions = {quantity.name: quantity.value for quantity in composition.headlines}
    assert fractions["mass_fraction_Co_K_begin"] > 0.9
    assert fractions["mass_fraction_Co_K_end"] < 0.1
    assert fractions["mass_fraction_Co_K_end"] + fractions["mass_fraction_S_K_end"] == pytest.approx(1.0)
    _, atomic = of_spectra(ds, {"k_factors": K_FACTORS, "fraction": "atomic"})
    assert atomic.headlines[0].name == "atomic_fraction_Co_K_begin"


def test_a_k_factor_without_its_line_is_named():
    """A misspelt line must not vanish from a composition that adds up to 1 without it."""
    ds = line_scan(17.0)
    _, composition = of_spectra(ds, {"k_factors": K_FACTORS | {"P_Ka": Quantity("k", 1.1, None, "1")}})
    assert any("P_Ka" in note and "Co_K, S_K" in note for note in composition.result.notes)
    width, refused = of_spectra(ds, {"k_factors": {"Co_K": K_FACTORS["Co_K"]}})
    assert width.result is not None
    assert "at least two lines" in refused.declined


def test_figure_of_concentrations_has_the_scatter_of_counting_alone():
    """What all points share must not be drawn as their scatter: a band, and boxes for the means of both ends."""
    _, composition = of_spectra(line_scan(17.0), {"k_factors": K_FACTORS})
    (ax,) = il.plot(composition.result).axes
    curves = composition.result.curves
    cobalt = ax.lines[0].get_ydata()
    np.testing.assert_array_equal(cobalt, curves["concentration"].sel(line="Co_K"))
    bars = ax.lines[1].get_ydata().reshape(-1, 3)
    np.testing.assert_allclose(0.5 * (bars[:, 1] - bars[:, 0]), curves["concentration_stderr"].sel(line="Co_K"))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Co K", "S K"]
    assert len(ax.collections) == 2 * (1 + 2 * 2)  # for each line a band, and box and level of both ends


def test_k_factors_are_read_by_line_with_their_uncertainties(tmp_path):
    """They come from a calibration, each with its own uncertainty; a length among them is a slip."""
    text = (
        '[tem]\nk_factors = { Co_K = { value = 1.5, uncertainty = 0.05, unit = "1" }, S_K = { value = 1, unit = "1" } }'
    )
    (tmp_path / "experiment.toml").write_text(text, encoding="utf-8")
    factors = load(tmp_path / "experiment.toml").facts("tem", tmp_path / "a.csv")["k_factors"]
    assert (factors["Co_K"].value, factors["Co_K"].stderr, factors["S_K"].stderr) == (1.5, 0.05, None)
    (tmp_path / "experiment.toml").write_text(text.replace('0.05, unit = "1"', '0.05, unit = "nm"'), encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"tem\.k_factors"):
        load(tmp_path / "experiment.toml")
    (tmp_path / "experiment.toml").write_text("[tem]\nk_factors = { Co_K = 1.5 }", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"tem\.k_factors: found"):
        load(tmp_path / "experiment.toml")


def staircase():
    """Return a scan over four steps, which no shape describes."""
    scan = line_scan(17.0)
    distance = scan["distance"].to_numpy()
    share = sum(np.where(distance > place, 0.25, 0.0) for place in (20.0, 45.0, 70.0, 95.0))
    counts = np.random.default_rng(2).poisson(10 + 300 * np.stack([1 - share, share], axis=1))
    scan["counts"] = scan["counts"].copy(data=counts.astype(float))
    return scan


def test_a_width_through_the_wrong_shape_is_marked():
    """Four steps are none of the shapes; a table that prints their width without a mark passes it on as sound."""
    for ds, verdict, label in ((line_scan(17.0), "pass", "shape fits"), (staircase(), "warn", "wrong shape")):
        (outcome,) = of_spectra(ds, {})
        assert (outcome.validity.verdict, outcome.validity.label) == (verdict, label)
    assert "no measure" in outcome.validity.reason


def test_the_console_tells_of_a_wrong_shape(tmp_path):
    """Unattended runs are read on the console, where a doubtful width must not look like a sound one."""
    scan = staircase()
    rows = np.column_stack([scan["distance"], scan["counts"]])
    table = "\n".join(f"{place:g},{co:.0f},{sulfur:.0f}" for place, co, sulfur in rows)
    (tmp_path / "scan.csv").write_text(f"Distance (nm),Co K,S K\n{table}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(tmp_path), "--out", str(tmp_path / "results")])
    assert "no measure" in " ".join(done.output.split())
