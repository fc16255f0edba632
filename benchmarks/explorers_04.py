"""How long the explorers of section 04 take to redraw after one move of a control.

Each setting of the whole grid is reached by moving the real widget's controls one at a time, and
every move is timed: from the assignment of the value to the finished picture. Beside milliseconds,
which differ between machines, stands the ratio to a fixed piece of work done in the same run.

Run: python benchmarks/explorers_04.py
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

from dlcourse.data import synthetic_digits
from dlcourse.teach import pooling, receptive, sliding

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


def explorers() -> Iterator[tuple[str, Iterator[float], object]]:
    """(name, seconds of every move, the widget) for each explorer of the section."""
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


def main() -> None:
    unit = reference()
    print(f"reference: {1e3 * unit:.1f} ms for writing 20,000 numbers")
    for name, seconds, widget in explorers():
        times = sorted(seconds)
        middle, high, last = statistics.median(times), times[int(0.99 * len(times))], times[-1]
        shown = " ".join(
            f"{word} {1e3 * value:.1f} ms ({value / unit:.2f} x)"
            for word, value in (("median", middle), ("99% under", high), ("max", last))
        )
        size = len(widget.image.value.encode()) / 1024
        print(f"{name:16} {len(times):6,} moves: {shown}; last picture {size:.0f} KiB")
        over = sum(value > BOUND_MS / 1e3 for value in times)
        print(f"{'':16} {over} of them took more than {BOUND_MS} ms")


if __name__ == "__main__":
    main()
