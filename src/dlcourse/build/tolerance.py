"""One-sided normal tolerance limits: from a sample, what nearly all of its population keeps to.

The limit is mean - k * s, or + k * s for an upper one, with k from the noncentral t distribution:
Natrella, *Experimental Statistics*, NBS Handbook 91 (1963), section 2-5. It is modelled: it holds
as far as the sample is normal, which Shapiro and Wilk's test has a look at.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """What a sample says of its population.

    limit: the tolerance limit; the sample's own extreme where it does not vary at all.
    normal: the p value of Shapiro and Wilk's test, small where the sample does not look normal;
        None where it does not vary, or has less than three values.
    """

    n: int
    lowest: float
    mean: float
    highest: float
    limit: float
    normal: float | None


def factor(n: int, share: float, confidence: float = CONFIDENCE) -> float:
    """k for a sample of `n` >= 2: `share` of the population is within mean + k * s."""
    from scipy.stats import nct, norm

    root = np.sqrt(n)
    return float(nct.ppf(confidence, n - 1, norm.ppf(share) * root) / root)


def sample(values: list[float], share: float, *, upper: bool) -> Sample:
    """The sample with the limit that `share` of its population stays below (`upper`) or above.

    Raises ValueError for fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("A tolerance limit takes two values or more.")
    from scipy.stats import shapiro

    found = np.asarray(values, np.float64)
    mean, spread = float(found.mean()), float(found.std(ddof=1))
    # Rounding makes a difference of its own where all values are one.
    varies = np.ptp(found) > 1e-9 * max(1.0, abs(mean))
    reach = factor(len(found), share) * spread if varies else 0.0
    normal = float(shapiro(found).pvalue) if varies and len(found) > 2 else None
    limit = mean + reach if upper else mean - reach
    lowest, highest = float(found.min()), float(found.max())
    return Sample(len(found), lowest, mean, highest, limit, normal)
