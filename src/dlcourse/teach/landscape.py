"""Where Keras stands: the stack from library to hardware, and the years of the frameworks."""

from dlcourse.teach.pictures import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Picture,
    new_figure,
    plain_axes,
)

# From your code down to the chip. In the book's Figure 3.3 the backends are TensorFlow, Theano and
# CNTK; Keras 3 runs on these (https://keras.io/keras_3).
_STACK = (
    ("Your model", ("layers, compile, fit",), YELLOW),
    ("Library", ("Keras 3",), ORANGE),
    ("Backend", ("TensorFlow", "JAX", "PyTorch"), SKY),
    ("Kernels", ("oneDNN, Eigen", "CUDA, cuDNN", "XLA"), GREEN),
    ("Hardware", ("CPU", "GPU", "TPU"), PURPLE),
)

_YEARS = (2015, 2016, 2017, 2018)

# Relative interest in web searches at the start of each year, the highest value of all as 100. OUR
# rough estimate to the nearest 5 of what the book's Figure 3.2 draws; not Google's numbers.
INTEREST = {
    "TensorFlow": (0, 30, 65, 100),
    "Keras": (0, 5, 20, 45),
    "Caffe": (10, 15, 20, 15),
    "PyTorch": (0, 0, 5, 20),
    "Theano": (5, 10, 10, 5),
}


def draw_keras_stack() -> Picture:
    """The stack from the model that you write to the hardware that computes it."""
    figure = new_figure(8, 3.6)
    axes = figure.subplots()
    for level, (role, names, colour) in enumerate(_STACK):
        y = len(_STACK) - level
        axes.text(-0.03, y, role, ha="right", va="center", fontsize=11)
        for index, name in enumerate(names):
            width = 1 / len(names)
            axes.barh(
                y, width - 0.012, left=index * width, height=0.78, color=colour, edgecolor="black"
            )
            centre = (index + 0.5) * width - 0.006
            axes.text(centre, y, name, ha="center", va="center", fontsize=11)
    axes.set(xlim=(-0.22, 1), ylim=(0.5, len(_STACK) + 0.5))
    axes.set_axis_off()
    axes.set_title("You talk to Keras; a backend computes; the hardware can change underneath")
    layers = "; ".join(f"{role}: {', '.join(names)}" for role, names, _ in _STACK)
    return Picture(figure, f"The stack from your code down to the hardware. {layers}.")


def draw_framework_interest() -> Picture:
    """How the interest in five frameworks went over the years, by our rough estimate."""
    figure = new_figure(7, 3.8)
    axes = figure.subplots()
    styles = zip((BLUE, VERMILION, GREEN, PURPLE, ORANGE), "osD^v", strict=True)
    for (name, values), (colour, marker) in zip(INTEREST.items(), styles, strict=True):
        axes.plot(_YEARS, values, color=colour, marker=marker, label=name)
    axes.set(
        xlabel="start of year",
        ylabel="relative interest (highest = 100)",
        title="Within three years of its release TensorFlow led, and Keras came second",
    )
    axes.set_xticks(_YEARS)
    axes.legend(frameon=False)
    plain_axes(axes)
    figure.supxlabel(
        "Approximate: our own rough estimate after the book's Figure 3.2 (web searches), not data.",
        fontsize=8,
    )
    last = ", ".join(f"{name} {values[-1]}" for name, values in INTEREST.items())
    return Picture(
        figure,
        "Approximate relative search interest from 2015 to 2018, our rough estimate after the "
        f"book's Figure 3.2. At the start of 2018: {last}.",
    )
