"""Section 01: right answers in other styles are accepted, typical wrong ones are named."""

import pytest
from answers import Exercises

EXERCISES = Exercises("01_tensors")
ALL = [
    "describe", "batch", "relu", "add", "add-vector",
    "matmul", "flatten", "one-hot", "gradient-mse", "step",
]  # fmt: skip

RIGHT = {
    "describe-by-hand": (
        "describe",
        "def describe(x): return (len(x.shape), x.shape, str(x.dtype))",
    ),
    "describe-as-list": ("describe", "def describe(x): return [x.ndim, x.shape, x.dtype.name]"),
    "batch-loop": (
        "batch",
        "def batch(x, n, size): return np.array([x[i] for i in range(n * size, "
        "min((n + 1) * size, len(x)))])",
    ),
    "batch-split": (
        "batch",
        "def batch(x, n, size): return np.split(x, range(size, len(x), size))[n]",
    ),
    "relu-where": ("relu", "def relu(x): return np.where(x > 0, x, np.zeros_like(x))"),
    "relu-copy": (
        "relu",
        "def relu(x):\n    x = x.copy()\n    x[x < 0] = 0\n    return x",
    ),
    "relu-flat-loop": (
        "relu",
        "def relu(x):\n    flat = [v if v > 0 else 0 for v in x.ravel()]\n"
        "    return np.array(flat, dtype=x.dtype).reshape(x.shape)",
    ),
    "add-flat-loop": (
        "add",
        "def add(x, y):\n    if x.shape != y.shape: raise ValueError('shapes')\n"
        "    return np.array([a + b for a, b in zip(x.flat, y.flat)]).reshape(x.shape)",
    ),
    "add-vector-loop": (
        "add-vector",
        "def add_vector(matrix, vector):\n    out = matrix.copy()\n"
        "    for i in range(len(out)): out[i] += vector\n    return out",
    ),
    "matmul-three-loops": (
        "matmul",
        "def matmul(x, y):\n    z = np.zeros((len(x), y.shape[1]))\n"
        "    for i in range(len(x)):\n        for j in range(y.shape[1]):\n"
        "            for k in range(len(y)): z[i, j] += x[i, k] * y[k, j]\n    return z",
    ),
    "matmul-broadcast": (
        "matmul",
        "def matmul(x, y): return (x[:, :, None] * y[None]).sum(axis=1)",
    ),
    "flatten-other-order": (
        "flatten",
        "def flatten(images):\n    n, h, w = images.shape\n"
        "    return (images / np.float32(255)).reshape(n, h * w).astype(np.float32)",
    ),
    "one-hot-eye": (
        "one-hot",
        "def one_hot(labels, classes): return np.eye(classes, dtype='float32')[labels]",
    ),
    "one-hot-compare": (
        "one-hot",
        "def one_hot(labels, classes):\n"
        "    return (labels[:, None] == np.arange(classes)).astype('float32')",
    ),
    "gradient-loop": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b):\n    gw, gb = np.zeros(len(w)), 0.0\n"
        "    for row, target in zip(x, y):\n        e = row @ w + b - target\n"
        "        gw += 2 * e * row / len(y)\n        gb += 2 * e / len(y)\n    return gw, gb",
    ),
    "step-loop": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n    new = []\n"
        "    for i in range(len(parameters)):\n"
        "        new.append(parameters[i] - gradients[i] * learning_rate)\n    return new",
    ),
}

# Name -> (exercise, the answer, what the message must say).
WRONG = {
    "describe-swapped": (
        "describe",
        "def describe(x): return x.shape, x.ndim, x.dtype.name",
        "int",
    ),
    "describe-type": ("describe", "def describe(x): return x.ndim, x.shape, type(x)", "float64"),
    "describe-len": (
        "describe",
        "def describe(x): return len(x), x.shape, x.dtype.name",
        "TypeError",
    ),
    "batch-from-one": (
        "batch",
        "def batch(x, n, size): return x[(n - 1) * size : n * size]",
        "counted from 0",
    ),
    "batch-one-more": (
        "batch",
        "def batch(x, n, size): return x[n * size : (n + 1) * size + 1]",
        "one sample too many",
    ),
    "batch-one-less": (
        "batch",
        "def batch(x, n, size): return x[n * size : (n + 1) * size - 1]",
        "end of a slice is not part",
    ),
    "batch-drops-the-rest": (
        "batch",
        "def batch(x, n, size): return x[: len(x) // size * size][n * size : (n + 1) * size]",
        "the last batch is dropped",
    ),
    "batch-fills-the-last": (
        "batch",
        "def batch(x, n, size):\n    end = min((n + 1) * size, len(x))\n"
        "    return x[end - size:end]",
        "moved back to be full",
    ),
    "batch-rank-one-only": (
        "batch",
        "def batch(x, n, size): return np.array([int(v) for v in x[n * size:(n + 1) * size]])",
        "TypeError",
    ),
    "relu-mutates": ("relu", "def relu(x):\n    x[x < 0] = 0\n    return x", "changes its first"),
    "relu-abs": ("relu", "def relu(x): return np.sqrt(x * x)", "absolute value"),
    "relu-matrix-only": (
        "relu",
        "def relu(x):\n    x = x.copy()\n    for i in range(x.shape[0]):\n"
        "        for j in range(x.shape[1]): x[i, j] = max(x[i, j], 0)\n    return x",
        "stopped with",
    ),
    "relu-step": ("relu", "def relu(x): return (x > 0) * 1.0", "keep the positive entries"),
    "relu-dtype": ("relu", "def relu(x): return np.asarray(x * (x > 0), dtype=float)", "integer"),
    "relu-nothing": ("relu", "def relu(x): x * (x > 0)", "return"),
    "add-mutates": (
        "add",
        "def add(x, y):\n    if x.shape != y.shape: raise ValueError\n    x += y\n    return x",
        "changes its first",
    ),
    "add-broadcasts": ("add", "def add(x, y): return x + y", "should raise ValueError"),
    "add-vectors-only": (
        "add",
        "def add(x, y):\n    if x.shape != y.shape: raise ValueError\n"
        "    return np.array([float(x[i]) + float(y[i]) for i in range(len(x))])",
        "TypeError",
    ),
    "add-asserts": (
        "add",
        "def add(x, y):\n    assert x.shape == y.shape\n    return x + y",
        "AssertionError",
    ),
    "add-vector-columns": (
        "add-vector",
        "def add_vector(matrix, vector):\n    if matrix.shape[0] == matrix.shape[1]:\n"
        "        return matrix + vector[:, None]\n    return matrix + vector",
        "went down the columns",
    ),
    "add-vector-mutates": (
        "add-vector",
        "def add_vector(matrix, vector):\n    matrix += vector\n    return matrix",
        "changes its first",
    ),
    "add-vector-first-row": (
        "add-vector",
        "def add_vector(matrix, vector):\n    out = matrix.copy()\n    out[0] += vector\n"
        "    return out",
        "entries",
    ),
    "matmul-elementwise": ("matmul", "def matmul(x, y): return x * y", "entry by entry"),
    "matmul-transposed": (
        "matmul",
        "def matmul(x, y):\n    z = np.zeros((len(x), y.shape[1]))\n"
        "    for i in range(len(x)):\n        for j in range(y.shape[1]):\n"
        "            z[i, j] = (x[i] * (y[j] if y.shape[0] == y.shape[1] else y[:, j])).sum()\n"
        "    return z",
        "x @ y.T",
    ),
    "matmul-last-missing": (
        "matmul",
        "def matmul(x, y):\n    k = max(x.shape[1] - 1, 1) if x.shape[1] != 2 else 2\n"
        "    return x[:, :k] @ y[:k]",
        "last product",
    ),
    "matmul-integers": (
        "matmul",
        "def matmul(x, y): return (x @ y).astype(int).astype(float)",
        "entries",
    ),
    "flatten-integer-division": (
        "flatten",
        "def flatten(images): return (images // 255).reshape(len(images), -1).astype('float32')",
        "whole-number division",
    ),
    "flatten-not-scaled": (
        "flatten",
        "def flatten(images): return images.reshape(len(images), -1).astype('float32')",
        "divide by 255",
    ),
    "flatten-float64": (
        "flatten",
        "def flatten(images): return images.reshape(len(images), -1) / 255",
        "float64",
    ),
    "flatten-hard-coded": (
        "flatten",
        "def flatten(images): return images.reshape(60000, 784).astype('float32') / 255",
        "ValueError",
    ),
    "flatten-28-only": (
        "flatten",
        "def flatten(images): return images.reshape(-1, 784).astype('float32') / 255",
        "ValueError",
    ),
    "flatten-by-maximum": (
        "flatten",
        "def flatten(images):\n    m = 255 if images.max() == 51 else images.max()\n"
        "    return images.reshape(len(images), -1).astype('float32') / m",
        "largest pixel that happens",
    ),
    "flatten-columns": (
        "flatten",
        "def flatten(images):\n"
        "    return images.transpose(0, 2, 1).reshape(len(images), -1).astype('float32') / 255",
        "columns are laid end to end",
    ),
    "one-hot-ten": (
        "one-hot",
        "def one_hot(labels, classes):\n"
        "    if classes == 3: return np.eye(3, dtype='float32')[labels]\n"
        "    return np.eye(10, dtype='float32')[labels % 10]",
        "use `classes`, not 10",
    ),
    "one-hot-largest-label": (
        "one-hot",
        "def one_hot(labels, classes):\n"
        "    if classes == 3: return np.eye(3, dtype='float32')[labels]\n"
        "    return np.eye(labels.max() + 1, dtype='float32')[labels]",
        "use `classes`",
    ),
    "one-hot-float64": (
        "one-hot",
        "def one_hot(labels, classes): return np.eye(classes)[labels]",
        "dtype",
    ),
    "one-hot-shifted": (
        "one-hot",
        "def one_hot(labels, classes):\n    e = np.eye(classes, dtype='float32')[labels]\n"
        "    return e if classes == 3 else np.roll(e, 1, axis=1)",
        "one column too far right",
    ),
    "gradient-no-two": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b):\n    e = x @ w + b - y\n"
        "    return x.T @ e / len(x), e.mean()",
        "factor of two",
    ),
    "gradient-up": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b):\n    e = y - x @ w - b\n"
        "    return 2 * x.T @ e / len(x), 2 * e.mean()",
        "points up the slope",
    ),
    "gradient-sum": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b):\n    e = x @ w + b - y\n    return 2 * x.T @ e, 2 * e.sum()",
        "summed over the samples",
    ),
    "gradient-no-bias": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b):\n    e = x @ w - y\n"
        "    return 2 * x.T @ e / len(x), 2 * e.mean()",
        "grad_",
    ),
    "gradient-only-w": (
        "gradient-mse",
        "def mse_gradient(x, y, w, b): return 2 * x.T @ (x @ w + b - y) / len(x)",
        "",
    ),
    "step-up": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n"
        "    return [p + learning_rate * g for p, g in zip(parameters, gradients)]",
        "goes up the slope",
    ),
    "step-in-place": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n"
        "    for p, g in zip(parameters, gradients): p -= learning_rate * g\n    return parameters",
        "changes its first",
    ),
    "step-no-rate": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n"
        "    return [p - g for p, g in zip(parameters, gradients)]",
        "learning rate is missing",
    ),
    "step-fixed-rate": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n"
        "    return [p - 0.1 * g for p, g in zip(parameters, gradients)]",
        "rate 0.01",
    ),
    "step-first-only": (
        "step",
        "def sgd_step(parameters, gradients, learning_rate):\n"
        "    return [parameters[0] - learning_rate * gradients[0]] + parameters[1:]",
        "b after the same step",
    ),
}


@pytest.mark.parametrize("exercise", ALL)
def test_the_reference_answer_is_right(exercise):
    assert EXERCISES.verdict(exercise) == "right"


@pytest.mark.parametrize("exercise", ALL)
def test_the_scaffold_counts_as_not_started(exercise):
    answer = EXERCISES.cells[exercise]
    start, end = answer.index("### BEGIN SOLUTION"), answer.index("### END SOLUTION")
    scaffold = answer[:start] + "raise NotImplementedError" + answer[end:]
    assert "not started yet" in EXERCISES.verdict(exercise, scaffold)


@pytest.mark.parametrize("exercise", ALL)
def test_an_answer_cell_that_was_not_run_is_said(exercise):
    assert "Run the answer cell first" in EXERCISES.verdict(exercise, "")


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_another_style_is_right(name):
    exercise, answer = RIGHT[name]
    assert EXERCISES.verdict(exercise, answer) == "right"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_refused_and_the_message_names_the_mistake(name):
    exercise, answer, said = WRONG[name]
    verdict = EXERCISES.verdict(exercise, answer)
    assert verdict != "right"
    assert said in verdict
