"""The chart of a soak test, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
# Text stays text, and the same samples give the same file.
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "soak", "font.family": "sans-serif", "font.size": 9}

import matplotlib.pyplot as plt

from sampling import Sample

PANELS = (
    ("Memory (MiB)", (("memory_mib", "resident"),)),
    ("Storage (MiB)", (("database_mib", "database"), ("log_mib", "write-ahead log"))),
    ("Open files", (("files", "with connections"),)),
    ("p99 (ms)", (("post_p99_ms", "posts"), ("analysis_p99_ms", "analyses"))),
)


def draw(file: Path, title: str, samples: Sequence[Sample]) -> None:
    figure, grid = plt.subplots(2, 2, figsize=(9, 5.5), sharex=True, layout="constrained")
    figure.suptitle(title)
    hours = [sample.hours for sample in samples]
    for axes, (heading, lines) in zip(grid.flat, PANELS, strict=True):
        for member, label in lines:
            axes.plot(hours, [getattr(sample, member) for sample in samples], label=label, linewidth=1)
        axes.set_title(heading, loc="left")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="best")
    for axes in grid[-1]:
        axes.set_xlabel("hours")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
