"""Answers to analyses, and their comparison with the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from columns import AXES

PLAIN_SUM = 1e-10
"""Maximum error of a sum that is rounded at each step, relative to the sum of absolute values."""
EXACT_SUM = 0.0


class WrongAnswer(Exception):
    """A system gave a wrong answer."""


@dataclass(frozen=True)
class Statistics:
    """The five statistics of one axis."""

    min: float
    max: float
    count: int
    sum: float
    median: float


Analysis = dict[str, Statistics]
"""Statistics by axis."""

Answer = dict[str | None, Analysis]
"""Analyses by device; None stands for all devices together, and for the only device of a question."""


@dataclass(frozen=True)
class TrueStatistics:
    """The true statistics of one axis."""

    min: float
    max: float
    count: int
    sum: float
    """Correctly rounded."""
    absolute_sum: float
    """The sum of the absolute values. The error of a rounded sum is proportional to it."""
    middle: tuple[float, float]
    """The two middle values; for an odd count, the middle value twice."""


TrueAnswer = dict[str | None, dict[str, TrueStatistics]]


def require_true(
    system: str, answer: Answer, truth: TrueAnswer, midpoint: Callable[[float, float], float], sum_tolerance: float
) -> None:
    """Raises `WrongAnswer` unless an answer is true. Minimum, maximum, count and median must be equal to the
    bit. `midpoint` computes the midpoint of two values in the same way as the system."""
    require_equal(f"devices of {system}", sorted(map(str, answer)), sorted(map(str, truth)))
    for device, axes in truth.items():
        for axis in AXES:
            got, true, subject = answer[device][axis], axes[axis], f"{axis} of {device or 'all'} of {system}"
            require_equal(f"minimum of {subject}", got.min, true.min)
            require_equal(f"maximum of {subject}", got.max, true.max)
            require_equal(f"count of {subject}", got.count, true.count)
            require_equal(f"median of {subject}", got.median, midpoint(*true.middle))
            if not abs(got.sum - true.sum) <= sum_tolerance * true.absolute_sum:
                raise WrongAnswer(f"sum of {subject}: {got.sum!r} instead of {true.sum!r}")


def require_equal(subject: str, got: object, expected: object) -> None:
    """Raises `WrongAnswer` if two values differ. `repr` shows all bits of a double, and the sign of -0.0."""
    if repr(got) != repr(expected):
        raise WrongAnswer(f"{subject}: {got!r} instead of {expected!r}")
