#!/usr/bin/env python3
"""Fail if a comment line of Rust, Python or shell is wider than 110 columns, which rustfmt does not check.

Lines that contain an address are ignored: an address cannot be wrapped.
"""

import pathlib
import subprocess
import sys

WIDTH_MAX = 110
MARKS = {".rs": "//", ".py": "#", ".sh": "#"}


def main() -> int:
    names = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    wide = 0
    for path in map(pathlib.Path, names):
        mark = MARKS.get(path.suffix)
        if mark is None or not path.exists():
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if line.lstrip().startswith(mark) and len(line) > WIDTH_MAX and "://" not in line:
                print(f"{path}:{number}: comment of {len(line)} columns; wrap it at {WIDTH_MAX}", file=sys.stderr)
                wide += 1
    return 1 if wide else 0


if __name__ == "__main__":
    sys.exit(main())
