"""Figures of microscopy: what is drawn lies where it was measured, says no more than the result, and can be read."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

import interlayer as il
from interlayer.analysis import Quantity
from interlayer.analysis.tem import (
    combine_layers,
    correct_projection,
    coverage,
    interdiffusion_width,
    layer_thickness,
)
from interlayer.figures import data_uri, figures
from interlayer.outcome import Outcome
from interlayer.parsers import schema
from interlayer.plot_micrograph import round_length
from interlayer.plot_places import places_figure
from interlayer.plot_style import BLUE, ORANGE, mark_simulated
from interlayer.plot_tem import interfaces_figure
from interlayer.plots import plot_on_image
from interlayer.sample_data.simulators import eds, tem

PIXEL, SIZE = 0.4, 384
LAYER, FIELD = tem.Layer(), tem.Detector(size=SIZE, pixel_size=PIXEL)
LIGHT = 400_000
"""Bytes that a figure may add to a report."""


def micrograph(values, *, pixel=PIXEL, **attrs):
    """Return grey values as a calibrated image."""
    axes = {
        name: xr.Variable(name, pixel * np.arange(n), {"units": "nm"})
        for name, n in zip("yx", values.shape, strict=True)
    }
    return schema.build("image", {"intensity": values.astype(float), **axes}, calibrated=1, **attrs)


def simulated(layer=LAYER, detector=FIELD, seed=1):
    return micrograph(tem.simulate(layer, detector, seed)[0], pixel=detector.pixel_size)


@pytest.fixture(scope="module")
def image():
    return simulated()


@pytest.fixture(scope="module")
def result(image):
    return layer_thickness(image)


@pytest.fixture(scope="module")
def figure(image, result):
    return plot_on_image(image, result)


@pytest.fixture(scope="module")
def unresolved():
    """Return an image of a layer of 1.5 nm with edges of 1 nm, and its limit."""
    ds = simulated(tem.Layer(thickness=1.5, blur_outer=1.0))
    return ds, layer_thickness(ds)


STEP = eds.Scan().step


def line_scan(width=17.0, *, signal=300.0, seed=1, kind="graded", lines=("Co_K", "S_K")):
    """Return a scan with falling and rising lines in turn."""
    scan = eds.Scan(signal=signal, background=signal / 30.0)
    pairs = [eds.line_scan(eds.Interface(width, kind), scan, seed + k) for k in range(0, len(lines), 2)]
    counts = np.concatenate([counts for _, counts in pairs], axis=1)[:, : len(lines)]
    values = {"distance": xr.Variable("distance", pairs[0][0], {"units": "nm"}), "line": list(lines)}
    return schema.build(
        "eds", values | {"counts": xr.Variable(("distance", "line"), counts.astype(float), {"units": "count"})}
    )


def overlapping(figure):
    """Return the pairs of texts in a figure that cover each other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    hidden = {
        label
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval()) or not ax.axison
    }
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]
    boxes = [(text.get_text(), text.get_window_extent(renderer).shrunk(0.96, 0.9)) for text in texts]
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)]


def spans(ax):
    """Return lower and upper end of what is shaded from side to side."""
    return [(patch.get_y(), patch.get_y() + patch.get_height()) for patch in ax.patches if patch.get_width() == 1.0]


def test_edges_and_colours_lie_on_the_image_where_they_were_measured(figure, image, result):
    """An edge drawn a pixel off would be believed, or would make a right thickness look wrong."""
    ax = figure.axes[0]
    assert ax.images[0].get_extent() == pytest.approx(
        [-PIXEL / 2, (SIZE - 0.5) * PIXEL, (SIZE - 0.5) * PIXEL, -PIXEL / 2]
    )
    (blocks,) = (found for found in ax.collections if isinstance(found, PolyCollection))
    used = result.curves["accepted"].values
    np.testing.assert_array_equal(blocks.get_array(), result.curves["thickness"].values[used])
    drawn = np.concatenate([line.get_xydata() for line in ax.lines if line.get_linewidth() == 0.7])
    edges = [
        np.stack([result.curves[f"{edge}_{axis}"].values[used] for axis in "xy"], 1) for edge in ("edge1", "edge2")
    ]
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(np.concatenate(edges), axis=0))
    # The two edges of the drawn block are as far apart as its thickness says: the image and the curve share a scale.
    corners = np.stack([path.vertices[:4] for path in blocks.get_paths()])
    sides = np.hypot(*(corners[:, [0, 1]] - corners[:, [3, 2]]).mean(axis=1).T)
    assert np.median(sides / np.asarray(blocks.get_array())) == pytest.approx(1.0, abs=0.02)


def test_the_drawn_layer_is_the_grey_one(figure, image, result):
    """Between the edges lies the middle grey of the simulator, 18 electrons; 40 and 6 stand beside it."""
    x, y = (0.5 * (result.curves[f"edge1_{axis}"] + result.curves[f"edge2_{axis}"]).values for axis in "xy")
    grey = image["intensity"].values[np.rint(y / PIXEL).astype(int), np.rint(x / PIXEL).astype(int)]
    assert np.median(grey) == pytest.approx(FIELD.offset + 18.0 * FIELD.gain, rel=0.1)


def test_bands_are_the_intervals_of_coating_and_field(figure, result):
    """One field is known better than the coating; a figure with one band would sell the first for the second."""
    along = next(ax for ax in figure.axes if ax.get_ylabel() == "thickness (nm)")
    expected = [result["layer_thickness"].interval95, result["layer_thickness_field"].interval95]
    assert [pytest.approx(interval) for interval in expected] == spans(along)
    mean, roughness = result["layer_thickness"].value, result["interface_roughness"].value
    levels = [
        line.get_ydata()[0]
        for line in along.lines
        if line.get_linestyle() in ("-", "--") and len(line.get_ydata()) == 2
    ]
    assert sorted(levels) == pytest.approx([mean - roughness, mean, mean + roughness])


def test_the_profile_shows_model_edges_thickness_and_residuals(figure, result):
    """Who doubts a number looks for where its ends were put and what the model leaves."""
    profile, residual = (
        next(ax for ax in figure.axes if ax.get_ylabel() == name) for name in ("intensity", "residual")
    )
    curves = result.curves
    np.testing.assert_array_equal(profile.lines[1].get_ydata(), curves["profile_model"].values)
    np.testing.assert_allclose(residual.lines[0].get_ydata(), (curves["profile"] - curves["profile_model"]).values)
    ends = sorted(
        float(found.get_segments()[0][0, 0]) for found in profile.collections if isinstance(found, LineCollection)
    )
    assert np.diff(ends) == pytest.approx(result["layer_thickness"].value)
    assert [text.get_text() for text in profile.texts if text.get_text()] == [
        f"t = {result['layer_thickness'].number()} nm"
    ]
    # The edges stand half way up their steps: 40, 18 and 6 electrons.
    halves = np.interp(ends, curves["distance"].values, profile.lines[1].get_ydata())
    assert halves == pytest.approx([FIELD.offset + FIELD.gain * dose for dose in (12.0, 29.0)], rel=0.05)


def test_noise_band_holds_the_residuals_of_a_right_model_only():
    """The band is two standard errors wide; fringes that the model does not know leave it."""
    outside = []
    for fringe in (0.0, 0.4):
        found = layer_thickness(simulated(tem.Layer(fringe=fringe), seed=4))
        residual = next(ax for ax in il.plot(found).axes if ax.get_ylabel() == "residual")
        line, band = residual.lines[0], residual.collections[0].get_paths()[0].vertices
        half = np.interp(line.get_xdata(), *band[1 : 1 + len(line.get_xdata())].T)
        outside.append(np.mean(np.abs(line.get_ydata()) > np.abs(half)))
    assert outside[0] < 0.2
    assert outside[1] > 2 * outside[0]


def test_an_unresolved_layer_shows_the_reason_and_no_thickness(unresolved):
    """A mean line through unresolved blocks would be read off."""
    ds, limit = unresolved
    assert limit["layer_thickness"].relation == "<"
    drawn = plot_on_image(ds, limit)
    said = " ".join(text.get_text() for text in drawn.findobj(Text))
    assert "layer thickness < " in said
    assert "not resolved: " in said
    assert "t = " not in said
    assert "roughness" not in said
    assert not any(isinstance(found, PolyCollection) for found in drawn.axes[0].collections)
    assert drawn.axes[0].lines[0].get_xydata()[:, 0] == pytest.approx(limit.curves["interface_x"].values)
    along = next(ax for ax in drawn.axes if "thickness" in ax.get_ylabel())
    assert spans(along) == []


def test_rejected_blocks_are_marked_on_the_image_and_along_it():
    """A gap in the coating must not vanish from its figure."""
    ds = simulated(tem.Layer(gaps=((-12.0, 12.0),)))
    found = layer_thickness(ds)
    lost = ~found.curves["accepted"].values
    assert lost.sum() >= 5
    drawn = plot_on_image(ds, found)
    crosses = [line for ax in drawn.axes for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())]
    places = np.stack([found.curves[f"interface_{axis}"].values[lost] for axis in "xy"], axis=1)
    np.testing.assert_array_equal(crosses[0].get_xydata(), places)
    np.testing.assert_array_equal(crosses[1].get_xdata(), found.curves["arclength"].values[lost])


def test_the_data_bar_of_the_vendor_is_neither_measured_nor_drawn(image, result):
    """Letters in a bar are the sharpest edges of an image; with the row where it begins known, they are no matter."""
    whole = np.concatenate([image["intensity"].values, np.zeros((40, SIZE))])
    whole[SIZE + 10 : SIZE + 30, 50:150] = 65535
    ds = micrograph(whole, data_bar_start=SIZE)
    found = layer_thickness(ds)
    assert found["layer_thickness"] == result["layer_thickness"]
    assert "40 rows" in found.notes[0]
    extent = plot_on_image(ds, found).axes[0].images[0].get_extent()
    assert extent[2] == pytest.approx((SIZE - 0.5) * PIXEL)
    lower = ds.isel(y=slice(100, None))
    extent = plot_on_image(lower, layer_thickness(lower)).axes[0].images[0].get_extent()
    assert extent[2:] == pytest.approx(((SIZE - 0.5) * PIXEL, 99.5 * PIXEL))


def test_a_pixel_size_given_by_the_user_scales_the_image(image, result):
    """The file counts pixels, the result nm; drawn on each other unscaled, the edges would leave the image."""
    axes = {name: (name, np.arange(float(SIZE)), {"units": "pixel"}) for name in ("y", "x")}
    ds = image.assign_coords(axes).assign_attrs(calibrated=0)
    found = layer_thickness(ds, pixel_size=Quantity("pixel_size", PIXEL, 0.015 * PIXEL, "nm"))
    ax = plot_on_image(ds, found).axes[0]
    assert ax.images[0].get_extent()[1] == pytest.approx((SIZE - 0.5) * PIXEL)
    np.testing.assert_allclose(found.curves["edge1_x"], result.curves["edge1_x"])


def test_a_corrected_thickness_is_drawn_corrected_and_the_profile_as_seen(image, result):
    """Points 6 % above the band of their own mean would look like a mistake."""
    found = correct_projection(result, tilt=Quantity("tilt", 20.0, 1.0, "degree"))
    drawn = plot_on_image(image, found)
    along = next(ax for ax in drawn.axes if ax.get_ylabel() == "thickness, corrected (nm)")
    assert np.mean(along.lines[0].get_ydata()) == pytest.approx(found["layer_thickness"].value, rel=1e-9)
    assert any(text.get_text().endswith("as seen") for ax in drawn.axes for text in ax.texts)


def test_a_large_image_is_averaged_not_thinned_out():
    """4096 x 4096 pixels make a report of 40 MB; every tenth of them shows noise where means show the layer."""
    noise = np.random.default_rng(1).normal(100.0, 20.0, (2048, 2048))
    ds = micrograph(noise, pixel=0.2)
    (drawn,) = il.plot(ds).axes[0].images
    assert max(drawn.get_array().shape) <= 400
    assert drawn.get_array().std() == pytest.approx(20.0 * drawn.get_array().shape[0] / 2048, rel=0.1)
    assert drawn.get_extent()[1] == pytest.approx(409.5, abs=6 * 0.2)


@pytest.mark.parametrize(
    ("direction", "part", "widths"),
    [(0.0, {"x": slice(150, 234)}, (0.1, 0.6)), (90.0, {"y": slice(150, 234)}, (0.8, 0.3))],
    ids=["tall", "wide"],
)
def test_elongated_images_leave_the_panels_their_room(direction, part, widths):
    """A strip of 84 x 384 pixels gets a narrow column, or a row of its own, not half the page."""
    layer = tem.Layer(thickness=8.0, radius=4e4, direction=direction)
    ds = simulated(layer, FIELD, 2).isel(part)
    drawn = plot_on_image(ds, layer_thickness(ds))
    assert overlapping(drawn) == []
    panels = [ax for ax in drawn.axes[1:] if ax.get_xlabel().endswith("interface (nm)")]
    for ax, least in ((drawn.axes[0], widths[0]), (panels[0], widths[1]), (panels[1], widths[1])):
        assert ax.get_window_extent().width > least * drawn.bbox.width


@pytest.mark.parametrize("direction", [45.0, -45.0])
def test_scale_bar_is_round_true_and_beside_the_layer(direction):
    """A bar of 43 nm cannot be used, one over the layer hides what it measures."""
    ds = simulated(tem.Layer(direction=direction, radius=4e4))
    found = layer_thickness(ds)
    drawn = plot_on_image(ds, found)
    renderer = FigureCanvasAgg(drawn).get_renderer()
    drawn.draw(renderer)
    ax = drawn.axes[0]
    (bar,) = (child for child in ax.get_children() if isinstance(child, AnchoredSizeBar))
    length = bar.size_bar.get_children()[0].get_width()
    assert bar.txt_label.get_text() == f"{length:g} nm"
    assert length == round_length(length)
    assert 0.1 < length / (SIZE * PIXEL) < 0.3
    edges = np.stack([found.curves[f"{edge}_{axis}"].values for axis in "xy" for edge in ("edge1", "edge2")], axis=1)
    points = ax.transData.transform(edges.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(-1, 2))
    assert not any(bar.get_window_extent(renderer).contains(*point) for point in points)


@pytest.fixture(scope="module")
def places():
    """Return the results of four images of which one lies apart."""
    thickness = (17.0, 17.0, 19.0, 16.0)
    return {f"a{k}.dm3": layer_thickness(simulated(tem.Layer(thickness=t), seed=k)) for k, t in enumerate(thickness)}


def test_each_image_stands_beside_the_mean_of_all(places):
    """Whether images differ by more than their intervals decides what the mean is worth."""
    combined = combine_layers(list(places.values()))
    drawn = places_figure({name: r["layer_thickness"] for name, r in places.items()}, combined, kind="images")
    (ax,) = drawn.axes
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == [found["layer_thickness"].value for found in places.values()]
    bars = [found.get_segments()[0][:, 0] for found in ax.collections if isinstance(found, LineCollection)]
    np.testing.assert_allclose(bars[0], places["a0.dm3"]["layer_thickness"].interval95)
    np.testing.assert_allclose(bars[-1], combined["layer_thickness"].interval95)
    assert [label.get_text() for label in ax.get_yticklabels()] == [*places, "4 images"]
    mean, between = combined["layer_thickness"].value, combined["layer_thickness_sd"]
    dashed = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed == (pytest.approx([mean - between.value, mean + between.value]) if between.relation == "=" else [])
    assert any("between images" in text.get_text() for text in drawn.findobj(Text))


def test_images_that_all_give_limits_draw_no_mean(unresolved):
    """The largest limit is no mean, and nothing is known of how places differ."""
    _, limit = unresolved
    combined = combine_layers([limit, limit])
    (ax,) = places_figure(dict.fromkeys("ab", limit["layer_thickness"]), combined, kind="images").axes
    dots = [line for line in ax.lines if line.get_marker() != "None"]
    assert {line.get_marker() for line in dots} == {"<"}
    assert {line.get_xdata()[0] for line in dots} == {limit["layer_thickness"].value}
    assert ax.patches[:] == []


def test_long_names_of_files_stay_apart(places):
    """Microscopes write names of 60 letters that differ in two of them."""
    found = next(iter(places.values()))["layer_thickness"]
    names = [f"2024-03-11_LCO_Al2O3_ALD_10cycles_annealed_HAADF_220kx_{k:04d}.dm3" for k in range(30)]
    combined = combine_layers(list(places.values()))
    drawn = places_figure(dict.fromkeys(names, found), combined, kind="images")
    labels = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert len(set(labels)) == 31
    assert max(map(len, labels)) <= 34
    assert overlapping(drawn) == []


SCANS = {
    "300 counts": {},
    "20 counts": {"signal": 20.0},
    "5 counts": {"signal": 5.0},
    "layer": {"kind": "layer"},
    "tail": {"kind": "tail", "width": 20.0},
    "limit": {"width": 0.0},
    "three lines": {"lines": ("Co_K", "S_K", "O_K")},
    "six lines": {"lines": ("Co_K", "S_K", "O_K", "P_K", "Ni_K", "Zr_L")},
    "long names": {"lines": ("Cobalt K alpha, background subtracted, 1", "Sulfur K alpha, background subtracted, 2")},
}


@pytest.mark.parametrize("case", SCANS)
def test_figure_of_an_interface_can_be_read(case):
    """No text over another, no legend over counts, no two lines alike."""
    drawn = il.plot(interdiffusion_width(line_scan(**SCANS[case])))
    mark_simulated(drawn)
    assert overlapping(drawn) == []
    ax = drawn.axes[0]
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.get_window_extent().y1
    assert legend.x1 <= drawn.axes[2].get_window_extent().x0
    models = [line for line in ax.lines if line.get_marker() == "None"]
    assert len({(line.get_color(), line.get_linestyle()) for line in models}) == len(models)


@pytest.mark.parametrize(("kind", "reached"), [("graded", (0.1, 0.9)), ("layer", (0.1, 0.9)), ("tail", (0.1,))])
def test_the_bar_of_the_width_ends_where_the_shares_are_10_and_90(kind, reached):
    """The definition is what the figure is for, also of an interface with a tail that goes on beyond the scan."""
    found = interdiffusion_width(line_scan(30.0, kind=kind))
    shares = il.plot(found).axes[2]
    (bars,) = (found.get_segments() for found in shares.collections if isinstance(found, LineCollection))
    rising = next(line for line in shares.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 2)
    for level, bar in zip(reached, bars, strict=False):
        assert bar[0, 0] == pytest.approx(np.interp(level, rising.get_ydata(), rising.get_xdata()), abs=STEP)


def test_points_of_a_poor_scan_are_averaged_until_they_show_its_profile():
    """At 5 counts single points scatter over the whole step; the line between them would stand for nothing."""
    results = {kind: interdiffusion_width(line_scan(w, signal=5.0)) for kind, w in (("bare", 30.0), ("coated", 17.0))}
    drawn = interfaces_figure(results)
    assert overlapping(drawn) == []
    points = [line for line in drawn.axes[0].lines if line.get_marker() == "o"]
    assert all(30 <= len(line.get_xdata()) < 120 for line in points)
    assert all(line.get_ydata()[np.abs(line.get_xdata()) > 40.0].std() < 0.55 for line in points)
    assert drawn.axes[0].get_legend().get_window_extent().y0 >= drawn.axes[0].get_window_extent().y1


RADIUS, GAPS = 60.0, ((30.0, 90.0), (120.0, 150.0))
PARTICLE = tem.Layer(radius=RADIUS, thickness=5.0, roughness=0.3, correlation_length=5.0, gaps=GAPS)
GRID = tem.Detector(size=512, pixel_size=0.6)


@pytest.fixture(scope="module")
def particle():
    """Return a particle of 120 nm with two gaps of 60 and 30 nm in its coating, and its coverage."""
    ds = simulated(PARTICLE, GRID, 3)
    return ds, coverage(ds, minimum=Quantity("minimum", 2.0, None, "nm"))


def test_bare_stretches_are_drawn_where_the_gaps_are(particle):
    """Whoever looks for the reason of a gap goes to the place that the figure shows."""
    drawn = plot_on_image(*particle)
    angle, half = np.radians(PARTICLE.direction), 0.5 * (GRID.size - 1) * GRID.pixel_size
    middle = RADIUS + 0.5 * PARTICLE.thickness
    for colour, bare in ((ORANGE, True), (BLUE, False)):
        lines = [line.get_xydata()[:-1] for line in drawn.axes[0].lines if line.get_color() == colour]
        x, y = (np.concatenate(lines) - half + middle * np.array([np.cos(angle), np.sin(angle)])).T
        place = RADIUS * ((np.arctan2(y, x) - angle + np.pi) % (2 * np.pi) - np.pi)
        inside = np.any([(place > begin) & (place < end) for begin, end in GAPS], axis=0)
        assert np.mean(inside == bare) > 0.95
    assert overlapping(drawn) == []


def test_shaded_lengths_and_bars_are_the_covered_share(particle):
    """Three parts of the figure say how much is bare; they must say the same."""
    _, found = particle
    along, lengths = il.plot(found).axes
    share = found.curves["covered"].values.mean()
    spans = {patch.get_facecolor()[:3]: 0.0 for patch in along.patches}
    for patch in along.patches:
        spans[patch.get_facecolor()[:3]] += patch.get_width()
    assert spans[to_rgb(BLUE)] / sum(spans.values()) == pytest.approx(share, abs=1e-6)
    bars = {colour: 0.0 for colour in (to_rgb(BLUE), to_rgb(ORANGE))}
    for patch in lengths.patches:
        bars[patch.get_facecolor()[:3]] += patch.get_height()
    assert bars[to_rgb(BLUE)] / sum(bars.values()) == pytest.approx(share, abs=1e-6)
    lines = {line.get_label(): line.get_ydata()[0] for line in along.lines if len(line.get_ydata()) == 2}
    assert lines["counts as covered (2 nm)"] == 2.0
    assert any(label.startswith("detection limit") for label in lines)


def test_blocks_that_could_not_be_measured_are_not_called_bare(particle):
    """A failed fit is no hole in the coating."""
    _, found = particle
    lost = np.flatnonzero(found.curves["covered"].values)[10:14]
    curves = found.curves.copy(deep=True)
    curves["thickness"].values[lost], curves["covered"].values[lost] = np.nan, False
    bare = []
    for shown in (found, replace(found, curves=curves)):
        ax = il.plot(shown).axes[0]
        bare.append(sum(patch.get_width() for patch in ax.patches if patch.get_facecolor()[:3] == to_rgb(ORANGE)))
    assert bare[1] == pytest.approx(bare[0])
    assert "not measured" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_bare_particle_shows_where_a_coating_was_looked_for():
    """Nothing found is a result; the outline tells whether it was looked for on the particle."""
    ds = simulated(replace(PARTICLE, thickness=0.0, roughness=0.0, gaps=()), GRID, 3)
    found = coverage(ds, minimum=Quantity("minimum", 6.0, None, "nm"))
    drawn = plot_on_image(ds, found)
    assert drawn.axes[0].get_title().startswith("coverage < ")
    outline = drawn.axes[0].lines[0].get_xydata()
    assert np.hypot(*(outline - outline.mean(axis=0)).T).mean() == pytest.approx(RADIUS, abs=5 * GRID.pixel_size)
    assert list(figures(ds, [Outcome(result=found)])) == [data_uri(plot_on_image(ds, found), vector=False)]


def test_a_small_particle_fills_its_view(particle):
    """The coating of a particle in a wide field would be a hair line."""
    ds, found = particle
    (left, right, low, high) = plot_on_image(ds, found).axes[0].images[0].get_extent()
    assert right - left < 0.8 * GRID.size * GRID.pixel_size
    assert abs(high - low) == pytest.approx(right - left, rel=0.02)
    for axis, (first, last) in (("x", (left, right)), ("y", (high, low))):
        assert first < found.curves[f"edge2_{axis}"].values.min()
        assert last > found.curves[f"edge2_{axis}"].values.max()


def test_figures_of_layers_are_readable_and_light():
    """Noise does not compress; twenty micrographs must still fit into a page that can be mailed."""
    ds = simulated(tem.Layer(doses=(2.5, 1.125, 0.375)), tem.Detector())
    drawn = plot_on_image(ds, layer_thickness(ds))
    mark_simulated(drawn)
    assert overlapping(drawn) == []
    for vector in (True, False):
        assert len(data_uri(drawn, vector=vector)) * 3 / 4 < LIGHT


def test_a_run_draws_each_image_and_the_series(tmp_path):
    """The figures that nobody asks for by hand stand in the report, and say that they are simulated."""
    for seed, name in enumerate(("a", "b")):
        made = tem.dm3(f"{name}.dm3", tem.Layer(), FIELD, seed, stated_pixel_size=PIXEL, comment="-")
        (tmp_path / made.name).write_bytes(made.content)
    facts = '[sample]\nsimulated = true\n[tem]\nseries = "Al2O3"\n'
    (tmp_path / "experiment.toml").write_text(facts, encoding="utf-8")
    run = il.run(tmp_path, out=tmp_path / "results")
    for file in run.files:
        (uri,) = file.measurements[0].figures
        assert uri.startswith("data:image/png")
        assert len(uri) * 3 / 4 < LIGHT
    (series,) = run.series
    assert len(series.figures) == 1
