"""The true answers, computed from the columns by selection in NumPy and with `math.fsum`, independently of
all systems."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from answers import TrueAnswer, TrueStatistics
from columns import AXES, DEVICE_IDS, Columns
from questions import Question

CHUNK = 1_000_000
"""Number of values that are converted to Python numbers at once."""


def true_answers(columns: Columns, questions: list[Question]) -> list[TrueAnswer]:
    """Returns the true answer to each question."""
    tasks = [(columns, question, axis) for question in questions for axis in AXES]
    with ProcessPoolExecutor(max_workers=len(AXES)) as pool:
        found = iter(list(pool.map(true_axis, *zip(*tasks, strict=True))))
    answers = []
    for _ in questions:
        by_axis = {axis: next(found) for axis in AXES}
        answers.append({each: {axis: by_axis[axis][each] for axis in AXES} for each in by_axis["x"]})
    return answers


def true_axis(columns: Columns, question: Question, axis: str) -> dict[str | None, TrueStatistics]:
    """Returns one axis of one true answer."""

    def values_of(device: str) -> NDArray[np.float64]:
        window = question.window
        return columns.axis(axis)[columns.within(device, window.start_us, window.end_us)]

    if question.device is not None:
        return {None: true_statistics([values_of(question.device)])}
    by_device = {device: values_of(device) for device in DEVICE_IDS}
    each = {device: true_statistics([values]) for device, values in by_device.items()}
    return {None: true_statistics(list(by_device.values()))} | each


def true_counts(columns: Columns, question: Question) -> dict[str | None, int]:
    """Returns only the numbers of readings, which are cheap enough for every answer."""

    def count_of(device: str) -> int:
        rows = columns.within(device, question.window.start_us, question.window.end_us)
        return rows.stop - rows.start

    if question.device is not None:
        return {None: count_of(question.device)}
    counts = {device: count_of(device) for device in DEVICE_IDS}
    return {None: sum(counts.values())} | counts


def true_statistics(arrays: list[NDArray[np.float64]]) -> TrueStatistics:
    count = sum(len(values) for values in arrays)
    low, high = (count - 1) // 2, count // 2
    pool = np.concatenate(arrays)
    pool.partition((low, high))
    return TrueStatistics(
        min=float(min(values.min() for values in arrays)),
        max=float(max(values.max() for values in arrays)),
        count=count,
        sum=math.fsum(numbers(arrays)),
        absolute_sum=float(np.abs(pool).sum()),
        middle=(float(pool[low]), float(pool[high])),
    )


def numbers(arrays: list[NDArray[np.float64]]) -> Iterator[float]:
    """Yields the values as Python numbers, without all of them in memory at once."""
    for values in arrays:
        for start in range(0, len(values), CHUNK):
            yield from values[start : start + CHUNK].tolist()
