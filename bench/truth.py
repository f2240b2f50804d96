"""What the answers have to be, computed from the columns by other means than any of the systems': by selection in NumPy
and `math.fsum`."""

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
"""Values turned into Python's numbers at once."""


def true_answers(columns: Columns, questions: list[Question]) -> list[TrueAnswer]:
    """The true answer to each question."""
    tasks = [(columns, question, axis) for question in questions for axis in AXES]
    with ProcessPoolExecutor(max_workers=len(AXES)) as pool:
        found = iter(list(pool.map(true_axis, *zip(*tasks, strict=True))))
    answers = []
    for _ in questions:
        by_axis = {axis: next(found) for axis in AXES}
        answers.append({each: {axis: by_axis[axis][each] for axis in AXES} for each in by_axis["x"]})
    return answers


def true_axis(columns: Columns, question: Question, axis: str) -> dict[str | None, TrueStatistics]:
    """One axis of one answer."""

    def values_of(device: str) -> NDArray[np.float64]:
        window = question.window
        return columns.axis(axis)[columns.within(device, window.start_us, window.end_us)]

    if question.device is not None:
        return {None: true_statistics([values_of(question.device)])}
    parts = {device: values_of(device) for device in DEVICE_IDS}
    each = {device: true_statistics([values]) for device, values in parts.items()}
    return {None: true_statistics(list(parts.values()))} | each


def true_counts(columns: Columns, question: Question) -> dict[str | None, int]:
    """Only how many readings there are: cheap enough for every answer."""

    def count_of(device: str) -> int:
        place = columns.within(device, question.window.start_us, question.window.end_us)
        return place.stop - place.start

    if question.device is not None:
        return {None: count_of(question.device)}
    counts = {device: count_of(device) for device in DEVICE_IDS}
    return {None: sum(counts.values())} | counts


def true_statistics(parts: list[NDArray[np.float64]]) -> TrueStatistics:
    count = sum(len(part) for part in parts)
    low, high = (count - 1) // 2, count // 2
    pool = np.concatenate(parts)
    pool.partition((low, high))
    return TrueStatistics(
        min=float(min(part.min() for part in parts)),
        max=float(max(part.max() for part in parts)),
        count=count,
        sum=math.fsum(numbers(parts)),
        sum_of_sizes=float(np.abs(pool).sum()),
        middle=(float(pool[low]), float(pool[high])),
    )


def numbers(parts: list[NDArray[np.float64]]) -> Iterator[float]:
    """The values as Python's own, without all of them in memory at once."""
    for part in parts:
        for start in range(0, len(part), CHUNK):
            yield from part[start : start + CHUNK].tolist()
