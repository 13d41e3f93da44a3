"""smlib.plotting: the style, the palette, and the triangle of three-class distributions."""

import warnings
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.mathtext import MathTextParser

from smlib import plotting
from smlib.plotting import simplex_axes, simplex_xy, use_style


@pytest.fixture(autouse=True)
def defaults_afterwards():
    """Restore Matplotlib's settings, and close the figures."""
    with plt.rc_context():
        yield
    plt.close("all")


def test_every_public_name_exists():
    assert all(hasattr(plotting, name) for name in plotting.__all__)


def test_palette_is_okabe_and_ito():
    """R, G, B of the published palette (Okabe and Ito, 2008)."""
    published = {
        "ORANGE": (230, 159, 0),
        "SKY": (86, 180, 233),
        "GREEN": (0, 158, 115),
        "YELLOW": (240, 228, 66),
        "BLUE": (0, 114, 178),
        "VERMILION": (213, 94, 0),
        "PINK": (204, 121, 167),
    }
    for name, rgb in published.items():
        color = getattr(plotting, name)
        assert tuple(bytes.fromhex(color[1:])) == rgb, name


# The palette before other eyes, and on paper

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision
# deficiency": what a color becomes, in linear RGB, where one kind of cone is missing (severity 1).
EYES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
PALETTE = {name: getattr(plotting, name) for name in plotting.__all__ if name.isupper()}

# Side by side, a difference of 2.3 is seen by half of all observers (Mahy and others, 1994). Thin lines at
# a distance need several times that: 15 in color, and 10 in gray, where the lightness is all there is.
APART, APART_IN_GRAY = 15, 10


def linear(color):
    """Return an sRGB color as amounts of light (IEC 61966-2-1)."""
    c = np.array(list(bytes.fromhex(color[1:]))) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(light):
    """Return CIE L*a*b* under D65, in which equal distances look about equally different."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = to_xyz @ np.clip(light, 0, 1) / to_xyz.sum(axis=1)
    f = np.where(x > (6 / 29) ** 3, np.cbrt(x), x / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one, other, eye=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """Return how different two colors look to an eye."""
    return np.linalg.norm(lab(np.array(eye) @ linear(one)) - lab(np.array(eye) @ linear(other)))


def difference_in_gray(one, other):
    """Return the difference in lightness of two colors."""
    return abs(lab(linear(one))[0] - lab(linear(other))[0])


def test_a_known_color_difference():
    """Black to white is 100, red is at (53.2, 80.1, 67.2), and without red cones red is nearly a dark green."""
    assert difference("#000000", "#FFFFFF") == pytest.approx(100, abs=0.01)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    red, green = "#C00000", "#607000"
    assert difference(red, green) > 80 > 40 > difference(red, green, EYES["deuteranopia"])


@pytest.mark.parametrize("eye", EYES)
def test_color_blind_eyes_see_any_two_colors_as_different(eye):
    close = {(a, b): difference(PALETTE[a], PALETTE[b], EYES[eye]) for a, b in combinations(PALETTE, 2)}
    assert {pair: d for pair, d in close.items() if d < APART} == {}


def test_the_three_classes_differ_in_gray():
    for a, b in combinations(["BLUE", "ORANGE", "GREEN"], 2):
        assert difference_in_gray(PALETTE[a], PALETTE[b]) > APART_IN_GRAY, (a, b)


def test_use_style_draws_without_warnings(caplog):
    """A font that is not found is a message in the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use_style()
        fig, (left, right) = plt.subplots(1, 2)
        left.plot([1, 2], [3, 4], label="$z$")
        left.legend()
        left.set(title="a point", xlabel="$z$", ylabel="$C$")
        simplex_axes(right)
        fig.canvas.draw()
    assert caplog.messages == []


def test_use_style_draws_text_and_formulas_in_the_faces_of_the_book():
    use_style()
    use_style()
    names = [font.name for font in font_manager.fontManager.ttflist]
    assert names.count("Book Text") == names.count("Book Letters") == 1
    assert Path(font_manager.findfont(font_manager.FontProperties())).name == "book-text.ttf"
    drawn = MathTextParser("path").parse(r"$x + 2\beta$").glyphs
    faces = {chr(character): Path(font.fname).stem for font, _, character, *_ in drawn}
    assert faces == {"x": "book-letters", "+": "book-text", "2": "book-text", "β": "book-letters"}


def test_a_character_that_the_face_lacks_is_a_warning():
    """On stderr it fails the run of a notebook."""
    use_style()
    plt.figure().text(0, 0, "\u05d0")
    with pytest.warns(UserWarning, match="Glyph .* missing from font.* Book Text"):
        plt.gcf().canvas.draw()


def test_use_style_draws_on_white():
    """The pages show white, and in the dark inverted white, as their own ground."""
    use_style()
    assert plt.figure().get_facecolor() == (1, 1, 1, 1)


def test_use_style_cycles_through_the_colors_of_lines():
    """YELLOW is for areas: as a line it is too pale on white."""
    use_style()
    lines = "BLUE", "VERMILION", "GREEN", "ORANGE", "PINK", "SKY", "GREY"
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == [PALETTE[name] for name in lines]


def test_simplex_xy_sends_certainty_to_the_corners():
    height = 3**0.5 / 2
    corners = simplex_xy(np.eye(3))
    assert np.allclose(corners, [[0, 0], [1, 0], [0.5, height]], rtol=0, atol=1e-15)


def test_simplex_xy_sends_the_uniform_distribution_to_the_center():
    center = simplex_xy([1 / 3, 1 / 3, 1 / 3])
    assert np.allclose(center, [0.5, 3**0.5 / 6], rtol=0, atol=1e-15)


def test_simplex_xy_puts_each_class_at_its_height_above_the_opposite_side():
    """The distance to the side opposite a corner is that class's share of the height."""
    y = np.random.default_rng(0).dirichlet([1, 1, 1], size=(4, 5))
    xy = simplex_xy(y)
    assert xy.shape == (4, 5, 2)
    height = 3**0.5 / 2
    distance_to_ab = xy[..., 1]
    distance_to_ca = np.abs(3**0.5 * xy[..., 0] - xy[..., 1]) / 2
    assert np.allclose(distance_to_ab, y[..., 2] * height)
    assert np.allclose(distance_to_ca, y[..., 1] * height)


@pytest.mark.parametrize("y", [0.5, [0.5, 0.5], np.ones((3, 4)) / 4])
def test_simplex_xy_of_other_than_three_classes_is_an_error(y):
    with pytest.raises(ValueError) as error:
        simplex_xy(y)
    assert str(error.value) == (
        f"y has shape {np.shape(y)}: the triangle shows three classes, so the last axis must have length 3"
    )


@pytest.mark.parametrize("y", [[1j, 0, 0], np.ma.zeros(3)], ids=["complex", "masked"])
def test_simplex_xy_of_other_than_real_numbers_is_an_error(y):
    with pytest.raises(TypeError, match=r"^y (has dtype|is a masked array)"):
        simplex_xy(y)


def test_simplex_xy_of_a_row_that_is_not_finite_is_not_finite():
    points = simplex_xy([[np.inf, 0.0, 0.0], [0.0, np.nan, 0.0], [0.0, 1e308, 1.7e308], [0.0, 1.0, 0.0]])
    assert not np.isfinite(points[:2]).any() and points[2, 0] == np.inf and points[3].tolist() == [1.0, 0.0]


def test_simplex_axes_names_each_corner():
    _, ax = plt.subplots()
    assert simplex_axes(ax, ("3", "5", "8")) is ax
    at = {text.get_text(): text.xy for text in ax.texts}
    for label, corner in zip("358", simplex_xy(np.eye(3))):
        assert np.array_equal(at[label], corner)


@pytest.fixture
def triangle():
    """Return drawn axes with the empty triangle."""
    use_style()
    fig, ax = plt.subplots()
    simplex_axes(ax)
    fig.canvas.draw()
    return ax


def test_simplex_axes_draws_an_outline_and_a_dot_at_each_corner(triangle):
    """The inside is left empty, the line is thinner than the curves, and curves pass below the dots."""
    corners = simplex_xy(np.eye(3))
    (outline,) = triangle.patches
    assert np.array_equal(outline.get_xy()[:3], corners)
    assert outline.get_facecolor()[3] == 0
    assert matplotlib.colors.to_hex(outline.get_edgecolor()).upper() == plotting.GREY
    colors = plotting.BLUE, plotting.ORANGE, plotting.GREEN
    for dot, corner, color in zip(triangle.lines, corners, colors, strict=True):
        assert np.array_equal(dot.get_xydata(), [corner])
        assert (dot.get_marker(), dot.get_color()) == ("o", color)
        assert dot.get_markersize() > plt.rcParams["lines.markersize"]
    (curve,) = triangle.plot([0, 1], [0, 0.1])
    assert outline.get_linewidth() < curve.get_linewidth()
    assert outline.get_zorder() < curve.get_zorder() < min(dot.get_zorder() for dot in triangle.lines[:3])


def test_simplex_axes_is_equilateral_and_fills_axes_without_a_frame(triangle):
    corners = triangle.transData.transform(simplex_xy(np.eye(3)))
    sides = [np.linalg.norm(a - b) for a, b in combinations(corners, 2)]
    assert np.allclose(sides, sides[0], rtol=1e-6)
    room = triangle.get_window_extent()
    assert 0.7 < np.ptp(corners[:, 0]) / room.width < 1 and 0.7 < np.ptp(corners[:, 1]) / room.height < 1
    assert not triangle.axison


def test_simplex_axes_writes_its_labels_around_the_triangle(triangle):
    """Each is beyond its corner and its dot, and within the axes."""
    point = triangle.figure.dpi / 72
    dot = triangle.lines[0].get_markersize() / 2 * point
    corners = triangle.transData.transform(simplex_xy(np.eye(3)))
    room = triangle.get_window_extent()
    a, b, c = boxes = [text.get_window_extent() for text in triangle.texts]
    assert a.x1 < corners[0, 0] - dot and a.y1 < corners[0, 1] - dot
    assert b.x0 > corners[1, 0] + dot and b.y1 < corners[1, 1] - dot
    assert c.y0 > corners[2, 1] + dot and abs(c.x0 + c.x1 - 2 * corners[2, 0]) < point
    for box in boxes:
        assert room.x0 < box.x0 and box.x1 < room.x1 and room.y0 < box.y0 and box.y1 < room.y1
    (left, below), (right, as_far_below), _ = (text.xyann for text in triangle.texts)
    assert (left, below) == (-right, as_far_below)


def test_simplex_axes_with_other_than_three_labels_is_an_error():
    with pytest.raises(ValueError, match="labels has 2 entries"):
        simplex_axes(plt.subplots()[1], "AB")
