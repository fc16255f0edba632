"""Tolerance limits keep what they promise."""

import numpy as np
import pytest

from dlcourse.build.tolerance import factor, sample


# Natrella, Experimental Statistics, table A-7: one-sided factors at 95% confidence.
@pytest.mark.parametrize(
    ("n", "share", "published"),
    [(10, 0.9, 2.355), (10, 0.99, 3.981), (30, 0.99, 3.064), (30, 0.999, 4.022), (50, 0.95, 2.065)],
)
def test_a_factor_is_the_published_one(n, share, published):
    assert factor(n, share) == pytest.approx(published, abs=0.001)


def test_limits_hold_for_the_promised_share_of_populations():
    rng = np.random.default_rng(1)
    # Of a standard normal population, 99% lies below 2.326.
    kept = [sample(rng.normal(size=30).tolist(), 0.99, upper=True).limit for _ in range(1000)]
    assert np.mean(np.array(kept) > 2.326) == pytest.approx(0.95, abs=0.02)


def test_a_lower_limit_is_an_upper_one_upside_down():
    values = [0.2, 0.5, 0.9, 0.4]
    upper = sample([-value for value in values], 0.99, upper=True)
    assert sample(values, 0.99, upper=False).limit == pytest.approx(-upper.limit)


def test_values_that_do_not_vary_are_their_own_limit_and_no_test_of_normality_is_made():
    same = sample([0.9] * 5, 0.999, upper=False)
    assert (same.limit, same.normal) == (pytest.approx(0.9), None)


def test_values_that_pile_up_do_not_look_normal():
    assert sample([1.0] * 28 + [0.7, 0.9], 0.999, upper=False).normal < 0.001


def test_one_value_has_no_limit():
    with pytest.raises(ValueError, match="two values"):
        sample([0.9], 0.999, upper=False)
