"""The results as one table for people and one file for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from goals import Row
from plan import COMPETITORS

HEADINGS = ("what", "measured", "p99", "goal", "")
VERDICTS = {True: "met", False: "MISSED", None: ""}


def table(rows: Sequence[Row]) -> str:
    """A table that is Markdown, too. A line of its own says what the rows below it are of."""
    names = [name for name in COMPETITORS if any(name in row.ratios for row in rows)]
    headings = (*HEADINGS, *(f"x {name}" for name in names))
    lines: list[tuple[str, ...]] = [headings]
    of = None
    for row in rows:
        if row.of != of:
            lines.append((f"**{row.of}**", *("" for _ in headings[1:])))
            of = row.of
        ratios = (f"{row.ratios[name]:,.0f}" if name in row.ratios else "" for name in names)
        lines.append((row.what, row.figure, row.p99, row.goal, VERDICTS[row.met], *ratios))
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def write_json(folder: Path, machine: dict[str, object], found: dict[str, object], rows: Sequence[Row]) -> Path:
    """Writes everything that was found, each single time included, but for the answers themselves."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{str(machine['begun']).replace(':', '').replace('+0000', 'Z')}.json"
    everything = {"machine": machine, "rows": [dataclasses.asdict(row) for row in rows], "found": plain(found)}
    file.write_text(json.dumps(everything, indent=1, default=str) + "\n")
    return file


def plain(value: object) -> object:
    """Without answers, which only have to be right."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items() if key not in ("answers", "bodies")}
    return value
