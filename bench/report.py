"""Output of the results: a table and a JSON file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from goals import Row
from plan import COMPETITORS

HEADINGS = ("measurement", "result", "p99", "goal", "")
VERDICTS = {True: "met", False: "MISSED", None: ""}


def table(rows: Sequence[Row]) -> str:
    """Returns a Markdown table. Each group of rows begins with a line that names the group."""
    names = [name for name in COMPETITORS if any(name in row.ratios for row in rows)]
    headings = (*HEADINGS, *(f"x {name}" for name in names))
    lines: list[tuple[str, ...]] = [headings]
    group = None
    for row in rows:
        if row.group != group:
            lines.append((f"**{row.group}**", *("" for _ in headings[1:])))
            group = row.group
        ratios = (f"{row.ratios[name]:,.0f}" if name in row.ratios else "" for name in names)
        lines.append((row.measurement, row.figure, row.p99, row.goal, VERDICTS[row.met], *ratios))
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def write_json(folder: Path, machine: dict[str, object], found: dict[str, object], rows: Sequence[Row]) -> Path:
    """Writes all results, including the time of every request, but without the answers."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{str(machine['begun']).replace(':', '').replace('+0000', 'Z')}.json"
    row_members = [dataclasses.asdict(row) for row in rows]
    everything = {"machine": machine, "rows": row_members, "found": without_answers(found)}
    file.write_text(json.dumps(everything, indent=1, default=str) + "\n")
    return file


def without_answers(value: object) -> object:
    """Returns results without the answers."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): without_answers(each) for key, each in value.items() if key not in ("answers", "bodies")}
    return value
