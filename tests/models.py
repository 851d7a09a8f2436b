"""Random single-operator int8 models for property tests: each strategy draws (model bytes, input shapes)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from tflite_builder import ModelBuilder, options

ACTIVATIONS = st.sampled_from([0, 1, 3])
ZEROS = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
SEEDS = st.integers(0, 2**31)


@dataclass(frozen=True)
class Model:
    """what: the drawn settings, for a failing test's report."""

    data: bytes = field(repr=False)
    shapes: list[tuple[int, ...]]
    seed: int
    what: str

    def inputs(self) -> list[np.ndarray]:
        """Random int8 values that include the extremes."""
        rng = np.random.default_rng(self.seed)
        return [rng.choice([-128, 127], s).astype(np.int8) if rng.random() < 0.1 else
                rng.integers(-128, 128, s).astype(np.int8) for s in self.shapes]  # fmt: skip


def out_size(size: int, kernel: int, stride: int, padding: int) -> int:
    return -(-size // stride) if padding == 0 else (size - kernel) // stride + 1


@st.composite
def convs(
    draw, depthwise: bool = False, frame: bool = False, max_side: int = 9, shallow: bool = False, separate: bool = False
) -> Model:
    """frame: the input has the camera's quantization; shallow: 1x1, few channels, not clamped; separate: windows that
    neither overlap nor leave the image.
    """
    seed, padding = draw(SEEDS), draw(st.sampled_from([0, 1]))
    kh, kw = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    if draw(st.booleans()):
        kh, kw = draw(st.sampled_from([(1, 1), (3, 3), (7, 7)]))
    sy, sx = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    h, w = (
        draw(st.integers(kh if padding else 1, max_side + kh)),
        draw(st.integers(kw if padding else 1, max_side + kw)),
    )
    ic = draw(st.integers(1, 4 if shallow else 9))
    if shallow:
        kh = kw = sy = sx = 1
    if separate:
        padding, sy, sx = 1, kh + draw(st.integers(0, 1)), kw + draw(st.integers(0, 1))
        h, w = kh + sy * draw(st.integers(0, 3)), kw + sx * draw(st.integers(3, 9))
    oc = ic * draw(st.sampled_from([1, 1, 1, 2, 3])) if depthwise else draw(st.integers(1, 9))
    zi, zo, activation = draw(ZEROS), draw(ZEROS), draw(ACTIVATIONS)
    if shallow:
        zo, activation = draw(st.sampled_from([(zo, 0), (-128, 1)]))
    factor, small = draw(st.sampled_from([1.0, 1.0, 0.1, 20.0, 1000.0])), draw(st.booleans())
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    reach = 3 if small else 127
    weights = rng.integers(-reach, reach + 1, (1, kh, kw, oc) if depthwise else (oc, kh, kw, ic))
    per_channel = rng.random() < 0.8
    scales = rng.uniform(0.001, 0.1, oc if per_channel else 1).astype(np.float32)
    si, zi = (np.float32(1 / 255), -128) if frame else (np.float32(rng.uniform(0.01, 0.1)), zi)
    depth = kh * kw * (1 if depthwise else ic)
    so = np.float32(float(si) * scales.mean() * reach * np.sqrt(depth) * factor)
    x = b.tensor((1, h, w, ic), si, zi)
    wt = b.tensor(weights.shape, scales, 0, weights, axis=3 if depthwise else 0)
    inputs = [x, wt, b.tensor((oc,), si * scales, 0, rng.integers(-500 * reach, 500 * reach, oc), dtype="int32")]
    y = b.tensor((1, out_size(h, kh, sy, padding), out_size(w, kw, sx, padding), oc), so, zo)
    common = {"strideH": sy, "strideW": sx, "padding": padding, "fusedActivationFunction": activation}
    if depthwise:
        b.operator("DEPTHWISE_CONV_2D", inputs, [y], options("DepthwiseConv2D", depthMultiplier=oc // ic, **common))
    else:
        b.operator("CONV_2D", inputs, [y], options("Conv2D", **common))
    what = f"{h}x{w}x{ic} {kh}x{kw} /{sy},{sx} -> {oc} pad {padding} act {activation} z {zi},{zo} seed {seed}"
    return Model(b.bytes([x], [y]), [(1, h, w, ic)], seed, what)


@st.composite
def dense(draw) -> Model:
    seed, inputs, outputs = draw(SEEDS), draw(st.integers(1, 70)), draw(st.integers(1, 12))
    zi, zo, activation = draw(ZEROS), draw(ZEROS), draw(ACTIVATIONS)
    factor, small = draw(st.sampled_from([1.0, 0.1, 20.0, 1000.0])), draw(st.booleans())
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    reach = 3 if small else 127
    weights = rng.integers(-reach, reach + 1, (outputs, inputs))
    scales = rng.uniform(0.001, 0.1, outputs if rng.random() < 0.6 else 1).astype(np.float32)
    si = np.float32(rng.uniform(0.01, 0.1))
    so = np.float32(float(si) * scales.mean() * reach * np.sqrt(inputs) * factor)
    x, wt = b.tensor((1, inputs), si, zi), b.tensor(weights.shape, scales, 0, weights)
    names = [x, wt]
    if rng.random() < 0.9:
        names.append(
            b.tensor((outputs,), si * scales, 0, rng.integers(-500 * reach, 500 * reach, outputs), dtype="int32")
        )
    y = b.tensor((1, outputs), so, zo)
    b.operator("FULLY_CONNECTED", names, [y], options("FullyConnected", fusedActivationFunction=activation))
    return Model(
        b.bytes([x], [y]), [(1, inputs)], seed, f"{inputs} -> {outputs} act {activation} z {zi},{zo} seed {seed}"
    )


@st.composite
def pools(draw, kind: str = "AVERAGE_POOL_2D") -> Model:
    seed, padding, c = draw(SEEDS), draw(st.sampled_from([0, 1])), draw(st.integers(1, 6))
    k, s = (draw(st.integers(1, 4)), draw(st.integers(1, 4))), (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    h, w = draw(st.integers(k[0], 9)), draw(st.integers(k[1], 9))
    zero, activation = draw(ZEROS), draw(ACTIVATIONS)
    b = ModelBuilder()
    x = b.tensor((1, h, w, c), 0.05, zero)
    y = b.tensor((1, out_size(h, k[0], s[0], padding), out_size(w, k[1], s[1], padding), c), 0.05, zero)
    b.operator(kind, [x], [y], options("Pool2D", filterHeight=k[0], filterWidth=k[1], strideH=s[0], strideW=s[1],
                                       padding=padding, fusedActivationFunction=activation))  # fmt: skip
    return Model(
        b.bytes([x], [y]), [(1, h, w, c)], seed, f"{h}x{w}x{c} {k} /{s} pad {padding} act {activation} seed {seed}"
    )


@st.composite
def means(draw) -> Model:
    seed, keep = draw(SEEDS), draw(st.booleans())
    h, w, c = draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 6))
    zi, zo = draw(ZEROS), draw(ZEROS)
    rng = np.random.default_rng(seed)
    si = float(rng.uniform(0.01, 0.1))
    so = si if rng.random() < 0.3 else si * float(2 ** rng.uniform(-4, 4))
    if so == si and rng.random() < 0.7:
        zo = zi
    b = ModelBuilder()
    x, axes = b.tensor((1, h, w, c), si, zi), b.tensor((2,), data=[1, 2], dtype="int32")
    y = b.tensor((1, 1, 1, c) if keep else (1, c), so, zo)
    b.operator("MEAN", [x, axes], [y], options("Reducer", keepDims=keep))
    return Model(b.bytes([x], [y]), [(1, h, w, c)], seed, f"{h}x{w}x{c} keep {keep} {si} {so} z {zi},{zo} seed {seed}")


@st.composite
def adds(draw) -> Model:
    seed, shape, activation = draw(SEEDS), (1, draw(st.integers(1, 5)), draw(st.integers(1, 40))), draw(ACTIVATIONS)
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.01, 0.2, 3) if rng.random() < 0.7 else 10 ** rng.uniform(-3, 1, 3)
    if rng.random() < 0.2:
        scales[1] = scales[0]
    scales[2] = max(scales[2], 4e-6 * scales.max())
    b = ModelBuilder()
    x, y, z = (b.tensor(shape, s, draw(ZEROS)) for s in scales)
    b.operator("ADD", [x, y], [z], options("Add", fusedActivationFunction=activation, potScaleInt16=True))
    return Model(b.bytes([x, y], [z]), [shape, shape], seed, f"{shape} act {activation} {scales} seed {seed}")


@st.composite
def activations(draw) -> Model:
    seed, kind, n = draw(SEEDS), draw(st.sampled_from(["RELU", "RELU6"])), draw(st.integers(1, 300))
    rng = np.random.default_rng(seed)
    si = rng.uniform(0.01, 0.2)
    b = ModelBuilder()
    x, y = b.tensor((1, n), si, draw(ZEROS)), b.tensor((1, n), si * 2 ** rng.uniform(-3, 3), draw(ZEROS))
    b.operator(kind, [x], [y])
    return Model(b.bytes([x], [y]), [(1, n)], seed, f"{kind} {n} seed {seed}")


@st.composite
def pads(draw) -> Model:
    seed, shape, zero = draw(SEEDS), [1, *(draw(st.integers(1, 6)) for _ in range(3))], draw(ZEROS)
    amounts = [
        [0, 0],
        [draw(st.integers(0, 3)), draw(st.integers(0, 3))],
        [draw(st.integers(0, 3)), draw(st.integers(0, 3))],
        [0, 0],
    ]
    b = ModelBuilder()
    x, p = b.tensor(shape, 0.1, zero), b.tensor((4, 2), data=amounts, dtype="int32")
    y = b.tensor([n + sum(a) for n, a in zip(shape, amounts, strict=True)], 0.1, zero)
    b.operator("PAD", [x, p], [y], options("Pad"))
    return Model(b.bytes([x], [y]), [tuple(shape)], seed, f"{shape} {amounts} {zero}")


@st.composite
def softmaxes(draw) -> Model:
    seed, shape = draw(SEEDS), (1, *draw(st.sampled_from([(), (3,)])), draw(st.integers(1, 250)))
    rng = np.random.default_rng(seed)
    scale, beta = float(10 ** rng.uniform(-5, 1)), draw(st.sampled_from([1.0, 1.0, 0.5, 3.0]))
    b = ModelBuilder()
    x, y = b.tensor(shape, scale, draw(ZEROS)), b.tensor(shape, 1 / 256, -128)
    b.operator("SOFTMAX", [x], [y], options("Softmax", beta=beta))
    return Model(b.bytes([x], [y]), [shape], seed, f"{shape} scale {scale} beta {beta} seed {seed}")
