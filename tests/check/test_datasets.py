"""Datasets: what their batches hold, live, carried, and as a generator or list of batches."""

import numpy as np
import pytest
import tensorflow as tf

from dlcourse import check
from dlcourse.grade.carry import pack, unpack

PICTURES = np.random.default_rng(1).random((7, 4, 4, 3), dtype="float32")
LABELS = np.arange(7) % 2
FORM = {"shape": (3, 4, 4, 3), "dtype": np.float32, "low": 0, "high": 1, "labels": (0, 1)}


def of(x=PICTURES, y=LABELS):
    return tf.data.Dataset.from_tensor_slices((x, y))


def carried(dataset):
    return unpack(pack(dataset))


def said(value, **form):
    with pytest.raises(check.CheckFailed) as caught:
        check.dataset(value, **(FORM | form))
    return str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        lambda: of().batch(3),
        lambda: carried(of().batch(3)),
        lambda: ((PICTURES[i : i + 3], LABELS[i : i + 3]) for i in (0, 3, 6)),
        lambda: [(PICTURES[i : i + 3], LABELS[i : i + 3]) for i in (0, 3, 6)],
    ],
    ids=["live", "carried", "generator", "list"],
)
def test_the_batches_looked_at_come_as_arrays(made):
    batches = check.dataset(made(), **FORM, batches=3)
    assert [len(inputs) for inputs, _ in batches] == [3, 3, 1]
    assert type(batches[0][0]) is type(batches[0][1]) is np.ndarray
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


def test_an_endless_dataset_is_looked_at_from_its_beginning():
    assert len(check.dataset(of().batch(3, drop_remainder=True).repeat(), **FORM, look=5)) == 5


def test_any_size_will_do_where_none_is_asked_for():
    assert len(check.dataset(of().batch(5), **(FORM | {"shape": (None, 4, 4, 3)}))) == 2


def test_a_smaller_batch_is_the_last_one():
    batches = [(PICTURES[:2], LABELS[:2]), (PICTURES[:3], LABELS[:3])]
    assert "the inputs in batch 0 of your dataset has shape (2, 4, 4, 3)" in said(batches)


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (None, {}, "should give batches, but is None: does the function end with `return ...`?"),
        (3, {}, "should give batches, but is 3."),
        (of().take(0).batch(3), {}, "has no batches: it ends before the first one"),
        (of(), {}, "gives single samples: put them together with .batch(...)"),
        (tf.data.Dataset.from_tensor_slices(PICTURES).batch(3), {}, "should be a pair (inputs, l"),
        ([("a", LABELS)], {}, "The inputs in your dataset should be an array or a tensor, but"),
        (of().batch(2), {}, "has shape (2, 4, 4, 3), but should have shape (3, 4, 4, 3)"),
        (of(PICTURES[..., 0]).batch(3), {}, "That is rank 3 where rank 4 is expected"),
        (of(PICTURES.astype(float)).batch(3), {}, "has dtype float64, but should have dtype float"),
        (of(255 * PICTURES).batch(3), {}, "rescale them to [0, 1]"),
        (of(PICTURES / 255).batch(3), {}, "Are they divided by 255 twice?"),
        (of(PICTURES - 0.5).batch(3), {}, "but should not go below 0"),
        (
            of(y=LABELS + 1).batch(3),
            {},
            "in batch 0 of your dataset should be among 0, 1; one is 2",
        ),
        ([(PICTURES[:3], LABELS[:2])], {}, "There are 3 samples in batch 0 of your dataset, but l"),
        (of(y=np.eye(2)[LABELS]).batch(3), {"label_shape": (3,)}, "rank 2 where rank 1"),
        (of().batch(3), {"batches": 2}, "has 3 batches, but should have 2"),
        (of().batch(3).repeat(), {"batches": 3}, "has endlessly many batches"),
        ([(PICTURES[:3], LABELS[:3])] * 9, {"batches": 4}, "has 5 or more batches"),
    ],
)
def test_what_is_wrong_is_said(value, form, words):
    assert words in said(value, **form)


@pytest.mark.parametrize("form", [lambda dataset: dataset, carried], ids=["live", "carried"])
def test_a_dataset_that_stops_says_why(form):
    def picture(index):
        return tf.zeros((4, 4, 3)), 6 // (index - 4)

    stops = tf.data.Dataset.range(7).map(picture).batch(3)
    assert (
        said(form(stops)) == "your dataset stopped with InvalidArgumentError: "
        "Integer division by zero"
    )


def test_what_does_not_cross_says_so():
    assert "cannot be tested here" in said(unpack(pack(object())))
