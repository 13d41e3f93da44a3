"""One style sheet, a color-blind-safe palette, and the figures that several chapters draw.

Cross-entropy is BLUE and solid, squared error is VERMILION and dashed. Three classes A, B, C are
BLUE, ORANGE, GREEN. YELLOW and SKY are for areas: as thin lines or text they are too pale on
white.
"""

from importlib import resources

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager

from smlib import _checks

__all__ = [
    "BLUE",
    "ORANGE",
    "GREEN",
    "VERMILION",
    "SKY",
    "PINK",
    "YELLOW",
    "GREY",
    "use_style",
    "simplex_xy",
    "simplex_axes",
]

# The palette of Okabe and Ito, with GREY in place of its black.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#666666"


def use_style():
    """Set Matplotlib's defaults to the book's style and face (first cell of every chapter)."""
    data = resources.files("smlib") / "data"
    plt.style.use(data / "book.mplstyle")
    for name in {"Book Text", "Book Letters"}.difference(font_manager.get_font_names()):
        font_manager.fontManager.addfont(data / f"{name.lower().replace(' ', '-')}.ttf")


def simplex_xy(y):
    """Return the points in the plane for distributions over three classes.

    The corners A = (0, 0), B = (1, 0) and C = (½, √¾) of an equilateral triangle stand for
    certainty of one class. A distribution `y` is the average of the corners with weights `y`.

    Parameters
    ----------
    y : array_like, shape (..., 3)
        Distributions over three classes.

    Returns
    -------
    ndarray, shape (..., 2)
        Their points.

    Raises
    ------
    TypeError
        If `y` does not hold real numbers.
    ValueError
        If the last axis of `y` does not hold three classes.

    Examples
    --------
    >>> simplex_xy([0.0, 0.0, 1.0]).round(3)
    array([0.5  , 0.866])
    """
    y, _ = _checks.real(y, "y")
    if y.ndim == 0 or y.shape[-1] != 3:
        raise ValueError(
            f"y has shape {y.shape}: the triangle shows three classes, so the last axis must have length 3"
        )
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    with np.errstate(all="ignore"):
        return y @ corners


def simplex_axes(ax, labels=("A", "B", "C")):
    """Draw the empty triangle of three-class distributions on `ax`.

    Each corner stands for certainty of one class, and has a dot in the color of the class and its
    label. Use `simplex_xy` to draw distributions into the triangle.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to draw on. Their frame and ticks are removed.
    labels : sequence of three str
        Names for the lower left, lower right and upper corner.

    Returns
    -------
    matplotlib.axes.Axes
        The same `ax`.

    Raises
    ------
    ValueError
        If `labels` does not have three entries.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> points = simplex_axes(ax, ["3", "5", "8"]).plot(*simplex_xy([0.2, 0.3, 0.5]), "o")
    >>> plt.close(fig)
    """
    if len(labels) != 3:
        raise ValueError(f"labels has {len(labels)} entries: the triangle has three corners")
    corners = simplex_xy(np.eye(3))
    ax.fill(*corners.T, facecolor="none", edgecolor=GREY)
    places = [((-5, -5), "right", "top"), ((5, -5), "left", "top"), ((0, 7), "center", "bottom")]
    for label, corner, color, (offset, ha, va) in zip(labels, corners, (BLUE, ORANGE, GREEN), places):
        ax.plot(*corner, "o", color=color, markersize=8, zorder=3)
        ax.annotate(
            label,
            corner,
            xytext=offset,
            textcoords="offset points",
            ha=ha,
            va=va,
        )
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.12, 1.0), aspect="equal")
    ax.axis("off")
    return ax
