"""What an analysis answers, and whether two answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from columns import AXES

PLAIN_SUM = 1e-10
"""How far a plain sum may be off, in parts of the sum of all values without their signs."""
EXACT_SUM = 0.0


class WrongAnswer(Exception):
    """A system has answered something else than it had to."""


@dataclass(frozen=True)
class Statistics:
    """The five statistics of one axis."""

    min: float
    max: float
    count: int
    sum: float
    median: float


Analysis = dict[str, Statistics]
"""By axis."""

Answer = dict[str | None, Analysis]
"""By device; None is for all devices together. Of one device there is only that."""


@dataclass(frozen=True)
class TrueStatistics:
    """What the statistics of one axis have to be."""

    min: float
    max: float
    count: int
    sum: float
    """Correctly rounded."""
    sum_of_sizes: float
    """The sum of the values without their signs, to which the error of a plain sum is in proportion."""
    middle: tuple[float, float]
    """The two middle values; of an odd count twice the one."""


TrueAnswer = dict[str | None, dict[str, TrueStatistics]]


def require_true(
    who: str, answer: Answer, truth: TrueAnswer, middle_of: Callable[[float, float], float], sum_tolerance: float
) -> None:
    """Refuses an answer that is not true. Minimum, maximum, count and median have to be so to the bit, the latter by
    the system's own way to the middle of two values."""
    require_equal(f"devices of {who}", sorted(map(str, answer)), sorted(map(str, truth)))
    for device, axes in truth.items():
        for axis in AXES:
            got, true, what = answer[device][axis], axes[axis], f"{axis} of {device or 'all'} of {who}"
            require_equal(f"minimum of {what}", got.min, true.min)
            require_equal(f"maximum of {what}", got.max, true.max)
            require_equal(f"count of {what}", got.count, true.count)
            require_equal(f"median of {what}", got.median, middle_of(*true.middle))
            if not abs(got.sum - true.sum) <= sum_tolerance * true.sum_of_sizes:
                raise WrongAnswer(f"sum of {what}: {got.sum!r} instead of {true.sum!r}")


def require_equal(what: str, got: object, expected: object) -> None:
    """Refuses what differs. Doubles print with all their bits, and -0.0 not as 0.0."""
    if repr(got) != repr(expected):
        raise WrongAnswer(f"{what}: {got!r} instead of {expected!r}")
