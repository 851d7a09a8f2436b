"""Hard choice forward, soft choice backward (Agustsson et al. 2017), without a tensor of values times centroids.

The soft quantizer of x is m(x) = sum_i w_i c_i with w = softmax(-s (x - c_i)^2). Its derivatives are closed forms:
dm/dx = 2 s Var_w(c), dm/dc_i = w_i (1 + 2 s (x - c_i) (c_i - m)). Both depend on one number x in [0, 6], so they are
tabulated. dm/dx is read by linear interpolation; for dm/dc_i the incoming gradients are first collected per grid point.
"""

from __future__ import annotations

from typing import Any

from bench.training.backend import compiled, keras, tf
from bench.training.quantizer.cells import HIGH, LOW, nearest

ops = keras.ops
GRID = 8192  # points of the table; the error of the interpolation falls with their square


@ops.custom_gradient  # type: ignore[untyped-decorator]
def soft_to_hard(x: Any, centroids: Any, sharpness: Any) -> Any:
    """x (...) in [0, 6] -> nearest of the ascending centroids (levels,); gradients of the soft quantizer for both.

    sharpness: s, scalar; no gradient reaches it.
    """

    def backward(gradient: Any) -> tuple[Any, Any, Any]:
        slope, pulls = derivatives(ops.linspace(LOW, HIGH, GRID), centroids, sharpness)
        index, part = place(x)
        to_x = interpolated(x, gradient, slope)
        upper = gradient * part
        collected = collect(gradient - upper, index) + collect(upper, index + 1)
        return to_x, ops.matmul(collected, pulls), ops.zeros_like(sharpness)

    return hard(x, centroids), backward


@compiled
def hard(x: Any, centroids: Any) -> Any:
    """The nearest centroid of every value."""
    return nearest(x, centroids)[0]


@compiled
def interpolated(x: Any, gradient: Any, slope: Any) -> Any:
    """gradient times the tabulated slope at x, all of the shape of x."""
    index, part = place(x)
    return gradient * (ops.take(slope, index) + part * ops.take(slope[1:] - slope[:-1], index))


def place(x: Any) -> tuple[Any, Any]:
    """(grid point below x, how far x is towards the next one, 0 to 1)."""
    exact = (x - LOW) * ((GRID - 1) / (HIGH - LOW))
    index = ops.clip(ops.cast(exact, "int32"), 0, GRID - 2)  # also where x is not a number
    return index, exact - ops.cast(index, x.dtype)


def collect(values: Any, index: Any) -> Any:
    """Sums of the values by grid point, (GRID,). TensorFlow's segment_sum costs ten times its bincount."""
    values, index = ops.reshape(values, (-1,)), ops.reshape(index, (-1,))
    if keras.backend.backend() == "tensorflow":
        return tf.math.bincount(index, values, minlength=GRID, maxlength=GRID)
    return ops.segment_sum(values, index, GRID)


def derivatives(x: Any, centroids: Any, sharpness: Any) -> tuple[Any, Any]:
    """(dm/dx (M,), dm/dc_i (M, levels)) of the soft quantizer m at the points x (M,)."""
    weights = ops.softmax(-sharpness * ops.square(x[:, None] - centroids))
    offset = centroids - ops.sum(weights * centroids, axis=1, keepdims=True)
    slope = 2 * sharpness * ops.sum(weights * ops.square(offset), axis=1)
    return slope, weights * (1 + 2 * sharpness * (x[:, None] - centroids) * offset)
