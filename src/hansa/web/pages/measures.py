"""What a map of numbers needs to know of them: where most of it is, and in which classes it falls."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Floats", "class_bounds", "main_part"]

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""

CLASSES: Final = 6
"""Most classes of a colour scale."""


def class_bounds(values: Floats) -> tuple[int, ...]:
    """Lower bounds of at most six classes with about equally many values: round numbers from 0 up."""
    if not len(values):
        return ()
    bounds = {0}
    for quantile in np.quantile(values, np.arange(1, CLASSES) / CLASSES):
        magnitude = 10 ** max(int(np.floor(np.log10(max(quantile, 1)))) - 1, 0)
        bounds.add(
            int(round(quantile / magnitude / 5) * 5 * magnitude) or int(float(f"{quantile:.3g}"))
        )
    return tuple(sorted(bounds))


def main_part(boxes: Floats, weights: Floats, left_out: float = 0.02) -> Box:
    """A box that holds nearly all of the weight: on each side `left_out` of it may lie outside.

    Args:
        boxes: west, south, east, north of each thing, shape (n, 4).
        weights: what each thing counts, not all zero.
    """

    def quantile(column: int, share: float) -> float:
        order = np.argsort(boxes[:, column])
        running = np.cumsum(weights[order])
        place = int(np.searchsorted(running, share * running[-1]))
        return float(boxes[order[min(place, len(order) - 1)], column])

    low, high = left_out, 1 - left_out
    return quantile(0, low), quantile(1, low), quantile(2, high), quantile(3, high)
