"""How long the explorers of sections 03 to 06 take to redraw after one move of a control.

Each setting of a grid is reached by moving the real widget's controls one at a time, and every move
is timed: from the assignment of the value to the finished picture. Section 04's grids are whole;
those of the others, drawn with Matplotlib, are thinned to some hundred moves. Beside milliseconds,
which differ between machines, stands the ratio to a fixed piece of work done in the same run.

Run: python benchmarks/explorers.py
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from dlcourse.build.networks import digits_convnet, digits_dense
from dlcourse.data import cats_and_dogs, synthetic_digits
from dlcourse.teach import (
    augmenting,
    learned,
    photographs,
    pooling,
    receptive,
    response,
    shifting,
    sliding,
)

BOUND_MS = 100


def reference() -> float:
    """Seconds for writing 20,000 numbers as text and joining them: the median of nine."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        "".join(f"M{number / 7:g} {number}" for number in range(20_000))
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def moves(controls: list, values: list, timed: Callable[[], list]) -> Iterator[float]:
    """Seconds of every move that changes a control, over the product of `values`.

    timed: the controls whose range follows from the others, walked through at each setting.
    """
    for setting in itertools.product(*values):
        for control, value in zip(controls, setting, strict=True):
            if control.value != value:
                yield _timed(control, value)
        for control in timed():
            for value in range(control.min, control.max + 1):
                if control.value != value:
                    yield _timed(control, value)


def _timed(control: object, value: object) -> float:
    start = time.perf_counter()
    control.value = value
    return time.perf_counter() - start


def explorers_03() -> Iterator[tuple[str, Iterator[float], object]]:
    """(name, seconds of every move, the widget) for each explorer of section 03."""
    digits, labels = synthetic_digits(3, 4421)
    # What they have learned makes no difference here.
    dense, convnet = digits_dense(), digits_convnet()
    found = response.response_explorer(digits)
    digit, kernel, row, column = found.inputs
    values = [range(3), [response.FILTERS[name] for name in response.FILTERS]]
    values += [range(0, 26, 5), range(0, 26, 5)]
    yield "filter response", moves([digit, kernel, row, column], values, list), found
    maps = learned.feature_map_explorer(convnet, digits)
    digit, layer, channel = maps.inputs
    values = [range(2), range(len(layer.options))]
    yield "feature maps", moves([digit, layer], values, lambda: [channel]), maps
    shifted = shifting.shift_explorer(digits, labels, dense, convnet)
    reach = range(-shifting.REACH, shifting.REACH + 1)
    yield "shifted digit", moves(shifted.inputs, [range(3), reach, reach], list), shifted


def explorers_04() -> Iterator[tuple[str, Iterator[float], object]]:
    """(name, seconds of every move, the widget) for each explorer of section 04."""
    digit = synthetic_digits(1, 4420)[0][0]
    window = sliding.sliding_window_explorer()
    values = [sliding.SIZES, sliding.KERNELS, sliding.STRIDES, sliding.PADDINGS]
    yield "sliding window", moves(window.settings, values, lambda: [window.step]), window
    pools = pooling.pooling_explorer(digit)
    controls = [pools.pattern, pools.window, pools.shift]
    values = [list(pooling.KERNELS), pooling.WINDOWS, pooling.SHIFTS]
    yield "pooling", moves(controls, values, lambda: [pools.row, pools.column]), pools
    field = receptive.receptive_field_explorer(digit)
    values = [receptive.CONVOLUTIONS, receptive.KERNELS, receptive.STRIDES, receptive.POOLING]
    yield "receptive field", moves(field.stack, values, lambda: [field.row, field.column]), field


def explorers_05_06() -> Iterator[tuple[str, Iterator[float], object]]:
    """(name, seconds of every move, the widget) for the explorers of sections 05 and 06."""
    paths = sorted((cats_and_dogs() / "validation" / "cats").glob("*.jpg"))[:4]
    squares = photographs.resolution_explorer(paths)
    values = [range(4), photographs.SIDES, (False, True)]
    yield "resolution", moves(squares.inputs, values, list), squares
    pictures = [photographs.squeezed(photographs.read_picture(path), 150) / 255 for path in paths]
    draws = augmenting.augmentation_explorer(np.stack(pictures), ["cat"] * len(pictures))
    values = [range(2), (0, 90), (0, 0.4), (0, 0.4), (0, 0.4), list(augmenting.FLIPS), (1, 7)]
    yield "augmentation", moves(draws.inputs[:-1], values, list), draws


def main() -> None:
    unit = reference()
    print(f"reference: {1e3 * unit:.1f} ms for writing 20,000 numbers")
    for name, seconds, widget in itertools.chain(explorers_03(), explorers_04(), explorers_05_06()):
        times = sorted(seconds)
        middle, high, last = statistics.median(times), times[int(0.99 * len(times))], times[-1]
        shown = " ".join(
            f"{word} {1e3 * value:.1f} ms ({value / unit:.2f} x)"
            for word, value in (("median", middle), ("99% under", high), ("max", last))
        )
        drawn = widget.image.value
        size = len(drawn.encode() if isinstance(drawn, str) else drawn) / 1024
        print(f"{name:16} {len(times):6,} moves: {shown}; last picture {size:.0f} KiB")
        over = sum(value > BOUND_MS / 1e3 for value in times)
        print(f"{'':16} {over} of them took more than {BOUND_MS} ms")


if __name__ == "__main__":
    main()
