#!/bin/sh
# Puts the clients that users bring, npm eventsource and Python httpx-sse, where the tests look for them.
# usage: tests/clients/install.sh [DIRECTORY]    (default: tmp/clients in cargo's target directory, where the tests look)
# Does nothing if the pinned versions are there already.
set -eu
source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-${CARGO_TARGET_DIR:-$source/../../target}/tmp/clients}
mkdir -p "$target"
cd "$target"

stamp=$(cat "$source/package-lock.json" "$source/requirements.txt" | cksum)
if [ "$(cat stamp 2>/dev/null || true)" != "$stamp" ]; then
    for program in node npm python3; do
        command -v "$program" >/dev/null || {
            echo "$program is not installed; the tests of foreign SSE clients need node 20 or later, npm and python3 with venv" >&2
            exit 1
        }
    done
    rm -rf node_modules venv stamp
    cp "$source/package.json" "$source/package-lock.json" .
    npm ci --silent --no-audit --no-fund
    python3 -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement "$source/requirements.txt"
    echo "$stamp" >stamp
fi
# An import is looked for beside the program that imports.
cp "$source/follow.mjs" "$source/follow.py" .
