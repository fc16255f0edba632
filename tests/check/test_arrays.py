"""Comparisons: what is wrong with a student's own value, in the order in which to mend it."""

import numpy as np
import pytest

from dlcourse.check import CheckFailed, arrays


def said(actual, expected, what="y", **options) -> str:
    with pytest.raises(CheckFailed) as caught:
        arrays.equal(actual, expected, what, **options)
    return str(caught.value)


def said_of_array(value, **options) -> str:
    with pytest.raises(CheckFailed) as caught:
        arrays.array(value, "y", **options)
    return str(caught.value)


class Liar:
    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)

    __hash__ = None


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return True

    __hash__ = None


class LyingFloat(float):
    def __eq__(self, other):
        return True

    __hash__ = None


class TestEqualAccepts:
    @pytest.mark.parametrize(
        ("actual", "expected"),
        [
            (np.array([1, 2]), np.array([1, 2])),
            (np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf])),
            (np.array([0.1 + 0.2]), np.array([0.3])),
            (np.array([], "float32"), np.array([], "float32")),
            (np.array(["a"]).shape, (1,)),
            ([3, 4], (3, 4)),
            (np.int64(3), 3),
            (np.array(3), 3),
            (3, 3.0),
            (np.float32(0.5), 0.5),
            (float("nan"), float("nan")),
            (np.bool_(True), True),
            (np.str_("uint8"), "uint8"),
            (None, None),
            ({"b": 2, "a": np.zeros(2)}, {"a": np.zeros(2), "b": 2}),
        ],
        ids=str,
    )
    def test_a_value_that_is_right(self, actual, expected):
        assert arrays.equal(actual, expected, "y") is None

    def test_a_dtype_of_the_kind_that_was_asked_for(self):
        x = np.ones(2, "float32")
        assert arrays.equal(x, np.ones(2), "y", dtype=np.floating) is None

    def test_a_difference_within_the_tolerance(self):
        assert arrays.equal(np.array([1.05]), np.array([1.0]), "y", tol=0.1) is None


class TestEqualSaysTheTypeFirst:
    def test_none_asks_for_a_return(self):
        assert said(None, np.zeros(2)) == (
            "y should be a NumPy array, but is None: does the function end with `return ...`?"
        )

    def test_a_list_is_told_to_become_an_array(self):
        assert "is a list with 2 entries. np.array(...) makes" in said([0.0, 0.0], np.zeros(2))

    def test_an_object_that_claims_to_be_equal_is_not_believed(self):
        assert "is an object of type Liar" in said(Liar(), np.zeros(3))

    def test_an_array_of_a_class_of_its_own_is_not_believed(self):
        assert "np.asarray" in said(np.ones(3).view(LyingArray), np.zeros(3))

    @pytest.mark.parametrize("expected", [2.0, 2, True, "two", (2,), {"two": 2}])
    def test_nothing_that_lies_is_equal_to_anything(self, expected):
        for liar in (Liar(), LyingFloat(9.0)):
            assert said(liar, expected).startswith("y ")

    def test_a_tensorflow_tensor_is_told_how_to_become_an_array(self):
        import tensorflow as tf

        tensor = tf.zeros(2)
        assert "a float32 tensor of shape (2,). Its .numpy() method" in said(tensor, np.zeros(2))
        assert "float(...) converts it" in said(tf.constant(1.0), 1.0)

    def test_a_float_is_no_integer(self):
        assert said(3.0, 3) == "y should be an integer, but is 3.0 (type float)."

    def test_a_number_is_no_truth_value(self):
        assert said(1, True) == "y should be True or False, but is 1 (type int)."

    def test_a_bool_is_no_number(self):
        assert "should be an integer, but is True" in said(True, 1)

    def test_an_integer_beyond_numpy_is_refused_rather_than_a_crash(self):
        assert "should be an integer" in said(10**40, 1)


class TestEqualSaysTheShapeSecond:
    def test_both_shapes(self):
        assert said(np.zeros((2, 3)), np.zeros((2, 4))) == (
            "y has shape (2, 3), but should have shape (2, 4)."
        )

    def test_the_rank_where_it_differs(self):
        assert "rank 1 where rank 2 is expected" in said(np.zeros(4), np.zeros((2, 2)))

    def test_a_transposed_shape(self):
        assert "the other way round" in said(np.zeros((2, 3)), np.zeros((3, 2)))


class TestEqualSaysTheDtypeThird:
    def test_both_dtypes_and_the_remedy(self):
        assert said(np.zeros(2), np.zeros(2, "float32")) == (
            'y has dtype float64, but should have dtype float32. .astype("float32") gives a '
            "converted copy."
        )

    def test_a_kind_of_dtype_without_a_remedy_to_copy(self):
        assert said(np.zeros(2, int), np.zeros(2), dtype=np.floating) == (
            "y has dtype int64, but should have dtype floating."
        )

    def test_objects_are_no_numbers(self):
        objects = np.array([LyingFloat(0.0), LyingFloat(0.0)], dtype=object)
        assert "dtype object" in said(objects, np.zeros(2))
        assert "should hold numbers" in said(objects, np.zeros(2), dtype=np.generic)


class TestEqualSaysTheValueLast:
    def test_the_first_entry_that_differs_and_how_many(self):
        actual = np.array([[1, 2, 3], [4, 0, 0]])
        assert said(actual, np.arange(1, 7).reshape(2, 3)) == (
            "y has the right shape (2, 3), but not the right entries (2 of 6 differ). "
            "The first is at [1, 1]: yours is 0, expected is 5."
        )

    def test_every_entry_when_all_differ(self):
        assert "every entry differs" in said(np.zeros(3), np.ones(3))

    def test_integers_beyond_float_precision_differ(self):
        big = np.array([2**60])
        assert "yours is" in said(big + 1, big)

    def test_nan_where_a_number_is_expected(self):
        assert "yours is nan, expected is 1.0" in said(np.array([np.nan]), np.array([1.0]))

    def test_a_scalar_array(self):
        assert said(np.array(2.0), np.array(3.0)) == "y is 2.0, but should be 3.0."

    def test_a_number(self):
        assert said(407, 407_050) == "y is 407, but should be 407050."

    def test_a_string(self):
        assert said("float64", "uint8") == "y is 'float64', but should be 'uint8'."

    def test_a_place_inside_a_tuple(self):
        assert said((1, 2), (1, 3)) == "y[1] is 2, but should be 3."
        assert said((1,), (1, 3)) == "y has 1 entries, but should have 2."

    def test_a_place_inside_a_dict(self):
        assert said({"a": 1}, {"a": 2}) == "y['a'] is 1, but should be 2."
        assert "has no entry 'b'" in said({"a": 1}, {"a": 1, "b": 2})
        assert said({"a": 1, "b": 2}, {"a": 1}) == "y has 2 entries, but should have 1."


class TestMistakes:
    mistakes = {"the bias is missing": np.array([1.0, 2.0]), "the bias counts twice": 9}

    def test_a_known_wrong_value_gets_its_sentence(self):
        wrong = np.array([1.0, 2.0])
        assert said(wrong, np.zeros(2), mistakes=self.mistakes) == "y: the bias is missing"
        assert said(9, 5, mistakes=self.mistakes) == "y: the bias counts twice"

    def test_a_known_wrong_value_is_known_in_every_dtype(self):
        wrong = np.array([1, 2], "uint8")
        assert said(wrong, np.zeros(2), mistakes=self.mistakes) == "y: the bias is missing"

    def test_another_wrong_value_gets_the_general_message(self):
        assert "every entry differs" in said(np.ones(2), np.zeros(2), mistakes=self.mistakes)

    def test_a_mistake_that_makes_no_difference_here_is_not_named(self):
        mistakes = {"scaled by the largest value": np.array([0.5, 1.0])}
        expected = np.array([0.5, 1.0], "float32")
        assert "dtype float64" in said(np.array([0.5, 1.0]), expected, mistakes=mistakes)

    def test_a_right_value_is_right_whatever_the_mistakes(self):
        assert arrays.equal(9, 9, "y", mistakes=self.mistakes) is None

    def test_a_mistake_of_another_shape_is_recognised(self):
        wrong = np.zeros((2, 2))
        assert said(wrong, np.zeros(4), mistakes={"not flattened": wrong}) == "y: not flattened"


class TestArray:
    def test_accepts_what_fits(self):
        x = np.linspace(0, 1, 6, dtype="float32").reshape(2, 3)
        assert arrays.array(x, "y", shape=(None, 3), dtype="float32", low=0, high=1) is None

    def test_names_the_open_axis(self):
        assert "should have shape (any, 3)" in said_of_array(np.zeros((2, 4)), shape=(None, 3))

    def test_names_the_range(self):
        assert "goes up to 255" in said_of_array(np.array([0, 255]), low=0, high=1)
        assert "goes down to -1" in said_of_array(np.array([-1, 1]), low=0, high=1)

    def test_names_nan(self):
        assert "holds NaN" in said_of_array(np.array([np.nan]), low=0)

    def test_refuses_what_is_no_array(self):
        assert "is None" in said_of_array(None)
        assert "real numbers" in said_of_array(np.array(["a"]), low=0)
