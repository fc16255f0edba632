"""The classes of Keras that cross, by name, and the way through layers of layers.

Nothing is imported by a name that arrives, and no class here takes code, a file or an address.
"""

from collections.abc import Iterator
from functools import cache
from types import FunctionType

CLASSES = {
    "keras.layers": """
        InputLayer Dense Conv1D Conv2D DepthwiseConv1D DepthwiseConv2D SeparableConv1D
        SeparableConv2D Conv2DTranspose MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D
        GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
        ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D
        Flatten Reshape Permute RepeatVector Identity
        Dropout SpatialDropout1D SpatialDropout2D GaussianDropout GaussianNoise
        BatchNormalization LayerNormalization GroupNormalization UnitNormalization
        Activation ReLU LeakyReLU PReLU ELU Softmax
        Add Subtract Multiply Average Maximum Minimum Concatenate Dot
        Rescaling Normalization Resizing CenterCrop Pipeline
        RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomShear
        RandomTranslation RandomZoom RandomGrayscale RandomHue RandomSaturation RandomSharpness
        RandomInvert RandomGaussianBlur RandomErasing""",
    "keras.src.ops.numpy": """
        Absolute Add Amax Amin Clip Concatenate Divide Exp ExpandDims Flip FloorDivide GetItem Log
        Log1p Matmul Max Maximum Mean Min Minimum Moveaxis Multiply Negative Power Reciprocal
        Reshape Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Tanh Transpose TrueDivide
        Var""",
    "keras.src.ops.nn": """
        Elu Gelu LeakyRelu LogSoftmax Relu Relu6 Selu Sigmoid Silu Softmax Softplus""",
    "keras.src.ops.core": "Cast StopGradient",
    "keras.initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
        LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform
        TruncatedNormal VarianceScaling Zeros""",
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.optimizers": """
        SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Ftrl Lamb Lion Nadam""",
    "keras.optimizers.schedules": """
        CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay
        PolynomialDecay""",
    "keras.losses": """
        BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy
        CategoricalFocalCrossentropy CategoricalHinge CosineSimilarity Dice Hinge Huber KLDivergence
        LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
        MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky""",
    "keras.metrics": """
        AUC Accuracy BinaryAccuracy BinaryCrossentropy CategoricalAccuracy CategoricalCrossentropy
        CategoricalHinge CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge
        KLDivergence LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError
        MeanSquaredError MeanSquaredLogarithmicError Poisson Precision PrecisionAtRecall R2Score
        Recall RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity
        SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy
        SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives
        TruePositives""",
}
SEQUENTIAL, FUNCTIONAL = "keras.Sequential", "keras.src.models.functional.Functional"


@cache
def classes() -> dict[str, type]:
    """Name -> class, of all but the models."""
    from importlib import import_module

    import keras

    def namespace(path: str) -> object:
        if path.startswith("keras.src"):
            return import_module(path)
        found = keras
        for part in path.split(".")[1:]:
            found = getattr(found, part)
        return found

    return {
        f"{path}.{name}": getattr(namespace(path), name)
        for path, names in CLASSES.items()
        for name in names.split()
    }


@cache
def known_types() -> frozenset[type]:
    """The classes in `classes`."""
    return frozenset(classes().values())


@cache
def functions() -> dict[str, FunctionType]:
    """Name -> function, of Keras's activations, losses and metrics."""
    import keras

    modules = (keras.activations, keras.losses, keras.metrics)
    found = {name: value for module in modules for name, value in vars(module).items()}
    others = ("get", "serialize", "deserialize")
    return {n: f for n, f in found.items() if type(f) is FunctionType and n not in others}


@cache
def model_types() -> tuple[type, type]:
    """The classes of Sequential and of functional models."""
    import keras
    from keras.src.models.functional import Functional

    return keras.Sequential, Functional


def is_layer(value: object) -> bool:
    """Whether `value` is exactly of a class of layers, models included, that crosses."""
    import keras

    return type(value) in model_types() or (
        type(value) in known_types() and issubclass(type(value), keras.layers.Layer)
    )


def sublayers(layer: object) -> list:
    """The layers directly inside a layer or a model, an InputLayer included."""
    import keras

    if type(layer) is model_types()[1]:
        return [each for each in layer.operations if isinstance(each, keras.layers.Layer)]
    # `Sequential.layers` leaves its InputLayer out.
    return layer._flatten_layers(include_self=False, recursive=False)


def walk(layer: object) -> Iterator:
    """A layer and all inside it, each once, from the outside in."""
    seen, waiting = set(), [layer]
    while waiting:
        layer = waiting.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            waiting.extend(reversed(sublayers(layer)))
