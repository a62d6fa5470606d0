"""What a run measures in micrographs: what is asked for, by which scale, and what is said where it cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

import interlayer as il
from interlayer.analyses_images import images
from interlayer.analysis import Quantity
from interlayer.attempt import Task
from interlayer.parsers import read_tree, schema
from interlayer.plots import plot_on_image
from interlayer.sample_data.simulators import tem

DETECTOR = tem.Detector(size=384, pixel_size=0.4, wedge=0.0)
LAYER = tem.Layer(roughness=0.3)
BAR = (240, 365)  # columns of a bar of 125 pixels: 50 nm at the true pixel size
STO = "tem/openNCEM/16_STOimage_1.ser"
ZEISS = "tem/rosettasciio/tiff/tiff_Zeiss_SEM.zip"


def nm(value, uncertainty=None):
    return Quantity("length", value, uncertainty, "nm")


def grey(layer=LAYER, *, bar=False):
    """Return the grey values of a simulated micrograph, with a white bar near its lower edge where one is wanted."""
    values, _ = tem.simulate(layer, DETECTOR, 1)
    values = values.astype(float)
    if bar:
        values[360:366, slice(*BAR)] = values.max()
    return values


def dataset(values, pixel_size=None):
    """Return an image with a scale in nm, or without one."""
    side = 1.0 if pixel_size is None else pixel_size
    axes = {name: np.arange(n) * side for name, n in zip(("y", "x"), values.shape, strict=True)}
    ds = schema.build("image", {"intensity": values, **axes}, calibrated=int(pixel_size is not None))
    for name in axes:
        ds[name].attrs["units"] = "pixel" if pixel_size is None else "nm"
    return ds


def outcomes(ds, facts, tmp_path):
    found = [outcome for _, outcome in images(Task({"image": ds}, facts, tmp_path / "a.tif", tmp_path))]
    assert not any(outcome.problem for outcome in found)
    return found


def lattice(pixels=(384, 512), spacing=0.245, pixel_size=0.021):
    """Return cosine fringes along two directions with Poisson noise."""
    y, x = np.meshgrid(*(np.arange(n) * pixel_size for n in pixels), indexing="ij")
    wave = sum(np.cos(2 * np.pi * (x * math.cos(a) + y * math.sin(a)) / spacing) for a in (0.3, 1.5))
    return np.random.default_rng(1).poisson(20.0 + 6.0 * wave).astype(float)


def test_an_image_without_scale_asks_for_one_for_what_is_measured(tmp_path):
    """Who asked for planes of a lattice must not be told that a layer needs the pixel size."""
    for facts, quantity in (({}, "layer_thickness"), ({"measure": ("lattice",)}, "lattice_spacing_1")):
        (asked,) = outcomes(dataset(grey()), facts, tmp_path)
        assert [(entry.quantity, entry.key) for entry in asked.missing] == [(quantity, "tem.pixel_size")]


def test_a_scale_bar_gives_the_scale(tmp_path):
    """50 nm over 125 pixels: the layer of 17 nm is measured, and the bar can be looked at in the report."""
    bar, layer = outcomes(dataset(grey(bar=True)), {"scale_bar": nm(50.0)}, tmp_path)
    assert (bar.role, layer.role) == ("detail", "headline")
    assert bar.result["pixel_size"].value == pytest.approx(0.4, rel=0.01)
    low, high = layer.result["layer_thickness"].interval95
    assert low < 17.0 < high
    frame = il.plot(bar.result).axes[0].patches[-1]
    assert frame.get_x() == pytest.approx(BAR[0] - 0.5, abs=1.0)
    assert frame.get_width() == pytest.approx(BAR[1] - BAR[0], abs=1.0)


def test_a_bar_that_is_not_there_is_said(tmp_path):
    """Without bar and without scale there is no length, and no default either."""
    (outcome,) = outcomes(dataset(grey()), {"scale_bar": nm(50.0)}, tmp_path)
    assert outcome.result is None
    assert "no scale bar" in outcome.declined


def test_a_stated_length_that_contradicts_the_file_is_a_warning(tmp_path):
    """A bar of 50 nm stated as 20 nm would make layers two and a half times too thin.

    The microscope drew the bar by its own calibration: 3 % are a contradiction although that is known to 1.5 %.
    """
    for length, verdict in ((50.0, "pass"), (51.5, "warn"), (20.0, "warn")):
        bar, layer = outcomes(dataset(grey(bar=True), 0.4), {"scale_bar": nm(length)}, tmp_path)
        assert (bar.role, bar.validity.verdict) == ("check", verdict)
        assert layer.result["layer_thickness"].value == pytest.approx(17.0, abs=0.5)
    assert "0.16 nm a pixel, the file 0.4 nm" in bar.validity.reason
    stated = {"scale_bar": nm(50.0), "pixel_size": nm(0.6)}
    assert "experiment.toml 0.6 nm" in outcomes(dataset(grey(bar=True)), stated, tmp_path)[0].validity.reason


def test_images_with_a_scale_need_no_bar(tmp_path):
    """One length is stated for a folder; calibrated images in it are measured as ever."""
    (layer,) = outcomes(dataset(grey(), 0.4), {"scale_bar": nm(50.0)}, tmp_path)
    assert layer.result["layer_thickness"].relation == "="


def test_the_bar_of_a_real_image_agrees_with_its_tags(corpus, tmp_path):
    """200 um of a Zeiss image, whose tags say 2614.514 nm a pixel; with 100 um the report must warn."""
    ds = read_tree(corpus / ZEISS)["test_tiff_Zeiss_SEM_1k/image_0"].to_dataset()
    for length, verdict in ((2e5, "pass"), (1e5, "warn")):
        found = outcomes(ds, {"scale_bar": nm(length), "measure": ("lattice",)}, tmp_path)
        assert found[0].validity.verdict == verdict


def test_planes_of_a_lattice_are_measured_when_asked_for(tmp_path):
    """0.245 nm in two directions 68.75 degrees apart, as they were put in; a layer is not looked for."""
    ds = dataset(lattice(), 0.021)
    (found,) = outcomes(ds, {"measure": ("lattice",), "pixel_size_relative_uncertainty": 0.0}, tmp_path)
    assert [q.name for q in found.headlines] == ["lattice_spacing_1", "lattice_spacing_2", "lattice_angle_1_2"]
    first, second, angle = found.headlines
    assert (first.value, second.value) == pytest.approx((0.245, 0.245), rel=1e-3)
    assert angle.value == pytest.approx(math.degrees(1.2), abs=0.1)
    figure = plot_on_image(ds, found.result)
    spots = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "o"]
    assert len(spots) == 2 * len(found.result.curves["reflection"])


def test_an_image_of_a_lattice_says_what_to_ask_for(tmp_path, corpus):
    """Strontium titanate has no layer; its refusal names the fact that gives the spacings."""
    for ds in (dataset(lattice(), 0.021), il.read(corpus / STO)):
        (outcome,) = outcomes(ds, {}, tmp_path)
        said = outcome.declined or " ".join(outcome.result.notes)
        assert 'measure = ["lattice"]' in said
    (asked,) = outcomes(il.read(corpus / STO), {"measure": ("layer",)}, tmp_path)
    assert "lattice" not in asked.declined


def test_coverage_needs_the_thickness_that_counts(tmp_path):
    """Which place is bare depends on the least thickness; without it there is a question, not a number."""
    layer = tem.Layer(roughness=0.3, gaps=((-35.0, -5.0), (30.0, 40.0)))
    ds = dataset(grey(layer), 0.4)
    thickness, asked = outcomes(ds, {"measure": ("layer", "coverage")}, tmp_path)
    assert [entry.key for entry in asked.missing] == ["tem.minimum_thickness"]
    assert thickness.headlines[0].name == "layer_thickness"
    (found,) = outcomes(ds, {"measure": ("coverage",), "minimum_thickness": nm(3.0)}, tmp_path)
    assert [quantity.name for quantity in found.headlines] == ["coverage", "covered_thickness", "conformality"]
    low, high = found.headlines[0].interval95
    assert low < 1.0 - 40.0 / (384 * 0.4) < high


def test_a_section_off_the_centre_is_corrected(tmp_path):
    """A sphere of 500 nm cut where its circle has 400 nm shows t' = sqrt((R + t)^2 - h^2) - r with h = 300 nm."""
    ds = dataset(grey(), 0.4)
    (seen,) = outcomes(ds, {}, tmp_path)
    (true,) = outcomes(ds, {"particle_radius": nm(500.0, 1.0), "section_radius": nm(400.0, 1.0)}, tmp_path)
    apparent = seen.result["layer_thickness"].value
    expected = math.hypot(400.0 + apparent, 300.0) - 500.0
    assert true.result["layer_thickness"].value == pytest.approx(expected, rel=1e-6)
    assert "section height" in true.result.budget["layer_thickness"]


def test_facts_of_a_projection_that_cannot_be_leave_the_thickness(tmp_path):
    """A circle larger than its particle is a slip of the pen; the thickness as it appears must not go with it."""
    ds = dataset(grey(), 0.4)
    seen, refused = outcomes(ds, {"particle_radius": nm(400.0, 1.0), "section_radius": nm(500.0, 1.0)}, tmp_path)
    assert seen.result["layer_thickness"].relation == "="
    assert "has no section" in refused.declined
    seen, asked = outcomes(ds, {"particle_radius": nm(400.0, 1.0)}, tmp_path)
    assert seen.result["layer_thickness"].relation == "="
    assert [entry.key for entry in asked.missing] == ["tem.section_radius"]
    seen, refused = outcomes(ds, {"interface_tilt": Quantity("tilt", 89.9, 0.5, "degree")}, tmp_path)
    assert seen.result["layer_thickness"].relation == "="
    assert "below 90 degree" in refused.declined


def test_the_report_shows_the_bar_and_the_doubt(tmp_path):
    """From a file without scale to the page: the number, the frame around the bar and the word beside both."""
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", grey(bar=True).astype(np.uint16))
    (tmp_path / "experiment.toml").write_text('[tem]\nscale_bar = { value = 50.0, unit = "nm" }\n', encoding="utf-8")
    run = il.run(tmp_path, out=tmp_path / "results")
    (measurement,) = run.files[0].measurements
    assert [outcome.headlines[0].name for outcome in measurement.outcomes if outcome.headlines] == ["layer_thickness"]
    assert len(measurement.figures) == 2
    assert "stated to be 50 nm long" in (run.out / "report.html").read_text(encoding="utf-8")


def test_particles_of_a_series_are_combined(tmp_path):
    """One particle is n = 1; three of one powder with a tenth to a third of their surface bare give mean and spread."""
    truth = []
    for number, gap in enumerate((15.0, 30.0, 50.0)):
        layer = tem.Layer(roughness=0.3, gaps=((-0.5 * gap, 0.5 * gap),))
        made = tem.dm3(f"{number}.dm3", layer, DETECTOR, number, stated_pixel_size=0.4, comment="-")
        (tmp_path / made.name).write_bytes(made.content)
        truth.append(1.0 - gap / (384 * 0.4))
    facts = '[tem]\nseries = "powder"\nmeasure = ["coverage"]\nminimum_thickness = { value = 3.0, unit = "nm" }\n'
    (tmp_path / "experiment.toml").write_text(facts, encoding="utf-8")
    (series,) = il.run(tmp_path, out=tmp_path / "results").series
    assert (series.kind, series.sample) == ("3 particles", "powder")
    assert [quantity.name for quantity in series.outcome.headlines] == ["coverage", "coverage_sd"]
    low, high = series.outcome.headlines[0].interval95
    assert low < np.mean(truth) < high
    assert len(series.figures) == 1
