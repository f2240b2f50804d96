#!/usr/bin/env bash
# Installs the Python packages of a requirements file, unless they are installed, and prints the folder of
# their virtual environment.
#
# Usage: venv.sh FOLDER. Installs FOLDER/requirements.txt into .venv/NAME; NAME is the last part of FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=$1/requirements.txt
venv=$PWD/.venv/$(basename "$1")
# Compares the requirements, so that a change of versions reinstalls the packages.
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --requirement "$requirements" >&2
  cp "$requirements" "$venv/requirements.txt"
fi
echo "$venv"
