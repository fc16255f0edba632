"""The names that the rules for test cells know, and what they say of them."""

from dlcourse.grade.carry.layers import CLASSES


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COURSE = _words("numpy keras tensorflow dlcourse.check dlcourse.data")
STANDARD = _words("""
    base64 bisect cmath collections copy decimal fractions functools hashlib heapq io itertools
    json math numbers operator pathlib re statistics string struct textwrap typing""")

CHANCE = "Draw from np.random.default_rng(seed), with a seed of the test's own."
FILES = "Make files with check.Folder, and read what became of them with its `tree` and `saved`."
INSIDE = "A test looks at values, and not into how Python keeps them."
MEMORY = "A carried array is a copy, laid out row by row."
CALLED = "A function crosses to be called, and no more."

# Module -> why it is not imported, or what to do instead.
OTHER_IMPORTS = {
    **dict.fromkeys(_words("random secrets uuid"), CHANCE),
    **dict.fromkeys(_words("time datetime"), "A verdict is the same at any time, anywhere."),
    **dict.fromkeys(_words("os shutil tempfile glob"), FILES),
    **dict.fromkeys(_words("inspect types dis"), CALLED),
}
# Builtin -> why it is not used.
BUILTINS = {
    **dict.fromkeys(_words("exec eval compile globals locals vars dir __import__"), INSIDE),
    **dict.fromkeys(_words("setattr delattr"), "What is the student's stays as it is."),
    **dict.fromkeys(_words("id hash"), "It differs from process to process: compare values."),
    **dict.fromkeys(_words("input exit quit help breakpoint"), "Nobody is there to answer it."),
    "issubclass": "Classes do not cross: check what the student's objects do.",
    "open": FILES,
}
# Attribute -> why it is not asked for.
ATTRIBUTES = {
    **dict.fromkeys(
        _words("""
            chmod exists fromfile genfromtxt get_file glob hardlink_to is_dir is_file iterdir load
            image_dataset_from_directory load_img load_model load_weights loadtxt lstat memmap mkdir
            open read_bytes read_text rglob rmdir save save_img save_weights savetxt savez stat
            symlink_to tofile touch unlink walk write_bytes write_text"""),
        FILES,
    ),
    **dict.fromkeys(
        _words("""
            get_axes get_label get_legend get_lines get_suptitle get_title get_xdata get_xlabel
            get_xticks get_ydata get_ylabel get_yticks savefig"""),
        "Read a figure with check.figure.",
    ),
    **dict.fromkeys(_words("send throw close"), "An iterator can be asked for its next item only."),
    **dict.fromkeys(_words("base ctypes flags strides"), MEMORY),
    **dict.fromkeys(_words("cache_info cache_clear"), CALLED),
    **dict.fromkeys(_words("class_names file_paths"), "A dataset crosses as its elements."),
    **dict.fromkeys(_words("as_posix as_uri"), "A path crosses as a Path, and not as text."),
    "model": "A History crosses as its record, without the model.",
}

# Classes, and modules of classes, that are the same on both sides.
DATA = _words("int float complex bool str bytes list tuple dict set frozenset range slice")
MODULES_OF_DATA = _words("numpy. keras. tensorflow. numbers. collections.abc. pathlib.")
# Functions, and modules, that make what does not cross, or not with its state.
MAKE_OTHERS = _words("iter map filter zip enumerate reversed bytearray memoryview object")
MODULES_OF_OTHERS = _words("""
    collections. decimal. fractions. functools. io. itertools. numpy.random. operator. re.
    keras.callbacks. keras.metrics. keras.optimizers.""")
# The layers that cross, Keras's other names for some of them, and what is no layer itself.
LAYERS = _words(CLASSES["keras.layers"]) + _words("""
    AvgPool1D AvgPool2D MaxPool1D MaxPool2D GlobalAvgPool1D GlobalAvgPool2D GlobalMaxPool1D
    GlobalMaxPool2D Convolution1D Convolution2D Input Layer""")

# Methods that change what they belong to.
CHANGING = _words("""
    add append build clear compile discard extend fill fit insert load_weights pop popitem put
    remove resize reverse set_weights setdefault setflags sort train_on_batch update""")
# How it shows that something is a model, and that its weights matter.
OF_MODELS = _words("""
    compile compiled count_params evaluate fit get_weights layers non_trainable_weights predict
    set_weights trainable trainable_variables trainable_weights weights""")
CHECKS_OF_MODELS = _words("""
    dlcourse.check.accuracy dlcourse.check.compiled dlcourse.check.layers
    dlcourse.check.output_shape dlcourse.check.parameters""")
OF_WEIGHTS = _words("evaluate fit get_weights numpy predict predict_on_batch test_on_batch")

# Modules, and functions, that set what holds for everything in one process.
SETTINGS = _words("keras.config keras.backend")
SETTERS = _words("numpy.seterr keras.mixed_precision.set_global_policy")

# Exceptions that a failed check, a lost answer or an unfilled scaffold raises as well.
TOO_WIDE = (Exception, BaseException, AssertionError, SystemExit, KeyboardInterrupt) + (
    NotImplementedError,
)
