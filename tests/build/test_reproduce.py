"""The ladder's measurements: the notebooks' networks, on any backend, and tables that agree."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from dlcourse.build import networks
from dlcourse.build.reproduce import (
    TRAININGS,
    accuracies,
    page,
    read_results,
    reproduce,
    results_path,
    table,
    with_table,
)
from dlcourse.build.sections import BuildError, find_root, find_sections, read_notebook
from dlcourse.files import write_text
from dlcourse.teach.book import LADDER

ROOT = find_root(Path(__file__))
IMPORTED = "import keras\nimport numpy as np\nfrom keras import layers\n"
# Section, the cells that define its network, how it is built there, and the one for programs.
SAME = [
    ("02_mnist_dense", ["network"], "build_network()", networks.digits_dense, 407_050),
    (
        "03_convnets",
        ["base", "classifier"],
        "add_classifier(build_base((28, 28, 1)), 10)",
        networks.digits_convnet,
        93_322,
    ),
    (
        "05_small_data",
        ["convnet"],
        "build_convnet((150, 150, 3))",
        lambda: networks.convnet(dropout=False),
        3_453_121,
    ),
    (
        "06_augmentation",
        ["convnet"],
        "build_convnet((150, 150, 3))",
        lambda: networks.convnet(dropout=True),
        3_453_121,
    ),
    (
        "07_feature_extraction",
        ["classifier"],
        "build_classifier((4, 4, 512))",
        lambda: networks.classifier((4, 4, 512)),
        2_097_665,
    ),
]
# What is imported says what a machine must have.
LOADED = "import sys, dlcourse.build.reproduce; print({'keras', 'tensorflow'} & set(sys.modules))"


def layers_of(model):
    """(class name, settings) of every layer, nested ones unfolded, names and dtypes aside."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            config = layer.get_config()
            kept = ("units", "filters", "kernel_size", "pool_size", "activation", "rate")
            yield type(layer).__name__, {key: config[key] for key in kept if key in config}


@pytest.mark.parametrize(("section", "cells", "call", "build", "count"), SAME)
def test_a_network_is_the_notebooks(section, cells, call, build, count):
    [found] = find_sections(ROOT, [section])
    source = {cell.id: cell.source for cell in read_notebook(found.source).cells}
    names: dict = {}
    exec("\n".join([IMPORTED, *(source[cell] for cell in cells)]), names)
    theirs, ours = eval(call, names), build()
    assert list(layers_of(ours)) == list(layers_of(theirs))
    assert ours.count_params() == theirs.count_params() == count


@pytest.mark.parametrize("entry", SAME[:4], ids=lambda entry: entry[0])
def test_its_parameters_are_those_that_the_stored_notebook_printed(entry):
    section, *_, count = entry
    stored = read_notebook(ROOT / "notebooks" / f"{section}.ipynb")
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(texts))
    assert f"{count:,}" in re.findall(r"Total params: ([\d,]+)", plain)


@pytest.fixture
def photographs(tmp_path):
    """Two classes of two small pictures, the dogs brighter."""
    for kind, value in (("cats", 10), ("dogs", 200)):
        (tmp_path / kind).mkdir()
        for number in (0, 1):
            picture = Image.new("RGB", (60, 50), (value, value, number))
            picture.save(tmp_path / kind / f"{number}.jpg")
    return tmp_path


def test_pictures_come_with_the_labels_of_their_folders(photographs):
    images, labels = networks.read_pictures(photographs, 48)
    assert (images.shape, images.dtype) == ((4, 48, 48, 3), np.uint8)
    assert labels.tolist() == [0, 0, 1, 1]
    assert images[2:].mean() > images[:2].mean() + 100


@pytest.mark.parametrize("module", ["networks", "reproduce"])
def test_a_module_that_trains_names_no_backend(module):
    text = (ROOT / "src" / "dlcourse" / "build" / f"{module}.py").read_text("utf-8")
    imported = [
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", ""), *(alias.name for alias in node.names)]
    ]
    assert [name for name in imported if re.match(r"(tensorflow|tf|jax|torch)\b", name)] == []


def test_tables_are_made_without_keras():
    run = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr


def test_every_row_of_the_ladder_can_be_measured():
    assert TRAININGS.keys() == LADDER.keys()


def test_a_row_that_there_is_not_is_refused_by_name(tmp_path):
    with pytest.raises(BuildError, match="no row 'dense'"):
        list(reproduce(tmp_path, ["dense"]))


def test_a_table_says_mean_and_interval_and_what_was_not_measured():
    results = {"mnist_dense": {"base": "", "made_with": "a test", "seeds": {}}}
    results["mnist_dense"]["seeds"] = {
        str(seed): {"accuracy": accuracy, "minutes": 1} for seed, accuracy in ((1, 0.97), (2, 0.98))
    }
    lines = table(results).splitlines()
    assert "| MNIST, dense network (section 02) | test | 97.8% | 97.5% | 97.2% to 97.8% |" in lines
    assert sum("not measured yet" in line for line in lines) == len(LADDER) - 1


def test_a_row_without_data_says_why():
    results = {"scratch": {"reason": "No network, no mirror."}}
    assert "**cats and dogs from scratch**: No network, no mirror." in page(results)


def test_what_is_measured_is_not_measured_again(tmp_path, monkeypatch):
    for name in ("DLCOURSE_PROFILE", "DLCOURSE_SOURCE"):
        monkeypatch.setenv(name, "")
    seeds = {str(seed): {"accuracy": 0.5, "minutes": 1} for seed in (1, 2)}
    kept = {"mnist_dense": {"base": "", "made_with": "a test", "seeds": seeds}}
    write_text(results_path(tmp_path), json.dumps(kept))
    assert list(reproduce(tmp_path, ["mnist_dense"], seeds=2)) == []
    assert accuracies(read_results(tmp_path), "mnist_dense") == [0.5, 0.5]


# What the project has measured


def test_the_page_of_results_follows_from_what_was_measured():
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == page(read_results(ROOT))


def test_the_readme_has_the_table_of_what_was_measured():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert table(read_results(ROOT)) in readme
    assert readme == with_table(readme, read_results(ROOT))
