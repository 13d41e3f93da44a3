"""The style sheet and the triangle of three-class distributions."""

import warnings

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")

import matplotlib.pyplot as plt

from smlib import plotting
from smlib.plotting import simplex_axes, simplex_xy, use_style


@pytest.fixture(autouse=True)
def defaults_afterwards():
    with plt.rc_context():
        yield
    plt.close("all")


def test_every_public_name_exists():
    assert all(hasattr(plotting, name) for name in plotting.__all__)


def test_palette_is_okabe_and_ito():
    """R, G, B of the published palette (Okabe and Ito, 2008)."""
    published = {
        "ORANGE": (230, 159, 0), "SKY": (86, 180, 233), "GREEN": (0, 158, 115),
        "YELLOW": (240, 228, 66), "BLUE": (0, 114, 178), "VERMILION": (213, 94, 0),
        "PINK": (204, 121, 167),
    }
    for name, rgb in published.items():
        color = getattr(plotting, name)
        assert tuple(bytes.fromhex(color[1:])) == rgb, name


def test_use_style_draws_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use_style()
        fig, (left, right) = plt.subplots(1, 2)
        left.plot([1, 2], [3, 4], label="$z$")
        left.legend()
        left.set(title="a point", xlabel="$z$", ylabel="$C$")
        simplex_axes(right)
        fig.canvas.draw()


def test_use_style_keeps_figures_readable_on_a_dark_page():
    use_style()
    assert plt.figure().get_facecolor() == (1, 1, 1, 1)


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
def test_simplex_xy_refuses_other_than_three_classes(y):
    with pytest.raises(ValueError, match="three classes"):
        simplex_xy(y)


def test_simplex_axes_names_each_corner():
    _, ax = plt.subplots()
    assert simplex_axes(ax, ("3", "5", "8")) is ax
    at = {text.get_text(): text.xy for text in ax.texts}
    for label, corner in zip("358", simplex_xy(np.eye(3))):
        assert np.array_equal(at[label], corner)


def test_simplex_axes_refuses_other_than_three_labels():
    with pytest.raises(ValueError, match="labels has 2 entries"):
        simplex_axes(plt.subplots()[1], "AB")
