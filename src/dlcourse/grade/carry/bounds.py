"""What a model may ask for, told from its config and its shapes, before it takes any memory."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps

from dlcourse.grade.carry.layers import FUNCTIONAL, SEQUENTIAL, walk

# Calls of layers that building a model may take, those inside of nested models included.
MOST_CALLS = 4000
# Numbers that one sample may take as it comes out of a layer: 64 MB.
LARGEST_SAMPLE = 2**24
# Numbers that layers may compute with while a model is built.
MOST_AT_ONCE = 2**22
MOST_ENTRIES, LONGEST_TEXT, DEEPEST = 200_000, 1000, 60


class Refused(Exception):  # noqa: N818 - it is said of an object, and is no error yet
    """An object that does not cross; its message completes the sentence "... because ..."."""


def check(config: object) -> None:
    """Raises Refused for a config that is too large, or a model that would take long to build."""
    entries, waiting = 0, [(config, 0)]
    while waiting:
        node, depth = waiting.pop()
        entries += 1
        if entries > MOST_ENTRIES or depth > DEEPEST:
            raise Refused("its layers have too many settings")
        if isinstance(node, (str, int)) and len(str(node)) > LONGEST_TEXT:
            raise Refused(f"a setting in it is longer than {LONGEST_TEXT:,} characters")
        children = node.values() if isinstance(node, dict) else node
        if isinstance(node, (dict, list)):
            waiting.extend((child, depth + 1) for child in children)
    if _calls_to_build(config) > MOST_CALLS:
        raise Refused(f"it takes more than {MOST_CALLS:,} calls of layers to build")


def _calls_to_build(config: object) -> int:
    """How often a layer is called until the model of this config stands."""
    return sum(_calls_to_run(layer) + _calls_to_build(layer) for layer in _inside(config))


def _calls_to_run(config: object) -> int:
    """How often a layer is called by one call of this one."""
    if not _inside(config):
        return 1
    runs = [_calls_to_run(layer) for layer in _inside(config)]
    calls = config["config"].get("calls")
    # Each layer of a stack is called once, those of a graph as often as it says.
    return sum(runs) if calls is None else sum(runs[place] for place, *_ in calls)


def _inside(config: object) -> list:
    is_model = isinstance(config, dict) and config.get("class") in (SEQUENTIAL, FUNCTIONAL)
    return config["config"]["layers"] if is_model else []


def check_samples(model: object) -> None:
    """Raises Refused if a layer of a built model puts out more than `LARGEST_SAMPLE` numbers."""
    for layer in walk(model):
        graph = getattr(layer, "_functional", layer)
        for operation in getattr(graph, "operations", ()):
            for node in operation._inbound_nodes:
                for tensor in node.output_tensors:
                    if entries_of(tensor.shape) > LARGEST_SAMPLE:
                        raise Refused(
                            f"its layer `{operation.name}` puts out more than "
                            f"{LARGEST_SAMPLE:,} numbers for one sample"
                        )


def entries_of(shape: tuple) -> int:
    """Of one sample; an axis of unknown length counts as one."""
    return math.prod(size or 1 for size in shape)


def guard(normalization: object) -> None:
    """Makes building the layer count, within `unfilled`, as computing with a whole sample.

    With a mean that it is given it fills arrays then.
    """
    from keras.src.backend.common.stateless_scope import get_stateless_scope

    build = normalization.build

    @wraps(build)
    def guarded(input_shape):
        normalization.build = build
        scope = get_stateless_scope()
        if hasattr(scope, "spend"):
            scope.spend(entries_of(input_shape))
        build(input_shape)

    normalization.build = guarded


@contextmanager
def unfilled() -> Iterator[None]:
    """Layers that are built here take no memory for their weights, which have no values yet.

    Raises Refused where layers compute all the same with more than `MOST_AT_ONCE` numbers.
    """
    import keras
    from keras.src.backend.common import global_state

    class Unfilled(keras.StatelessScope):
        spent = 0

        def spend(self, entries: int) -> None:
            self.spent += entries
            if self.spent > MOST_AT_ONCE:
                raise Refused(f"its layers normalise more than {MOST_AT_ONCE:,} numbers")

        def get_current_value(self, variable):
            # Asked for a value, Keras makes one of zeros, or of noise.
            self.spend(math.prod(variable.shape))
            return super().get_current_value(variable)

    try:
        with Unfilled(initialize_variables=False):
            yield
    finally:
        # Otherwise Keras would fill them at the next occasion.
        global_state.set_global_attribute("uninitialized_variables", [])
