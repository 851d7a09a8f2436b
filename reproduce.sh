#!/usr/bin/env bash
# ./reproduce.sh TARGET [OPTIONS]   makes .venv if it is missing or broken, then runs `python -m bench TARGET [OPTIONS]`.
# Needs Python 3.11-3.13 and a package index, nothing else; PYTHON=/path/to/python chooses one. bash 3.2 is enough.
set -u
unset CDPATH PYTHONHOME PYTHONPATH
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P) || exit 2
venv=$root/.venv python=$root/.venv/bin/python lock=$root/requirements.lock marker=$root/.venv/.complete guard=$root/.venv.making

say() { printf '%s\n' "reproduce.sh: $*" >&2; }
fail() { say "error: $*"; exit 2; }

# The environment is whole when its last step, a copy of the lock file, matches, and its Python still starts.
whole() { cmp -s "$lock" "$marker" && "$python" -I -S -c '' 2>/dev/null; }

# Prints the real path of a candidate if it runs and is a 64-bit Python 3.11-3.13 that can make environments.
# A shim on PATH may exist and fail, so it is run, never just found.
usable() {
    "$1" -I -c 'import os, sys, venv, ensurepip
sys.exit(1) if not (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.maxsize < 2**32 else print(os.path.realpath(sys.executable))' 2>/dev/null
}

find_python() {
    local name candidate
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON" && return
        say "PYTHON=$PYTHON is not a 64-bit Python 3.11-3.13 with venv; looking for another"
    fi
    while IFS= read -r candidate; do
        [ -x "$candidate" ] && usable "$candidate" && return
    done <<LIST
$(for name in python3.13 python3.12 python3.11 python3 python; do type -aP "$name"; done)
$(ls -d /opt/homebrew/bin/python3.1[123] /usr/local/bin/python3.1[123] "${HOME:-/}"/.pyenv/versions/3.1[123]*/bin/python3 \
    "${HOME:-/}"/.local/share/uv/python/cpython-3.1[123]*/bin/python3 2>/dev/null)
LIST
    fail "no 64-bit Python 3.11-3.13 with venv found. Install one (Debian/Ubuntu: apt install python3 python3-venv;" \
        "macOS: brew install python@3.13; any: https://www.python.org/downloads), or set PYTHON=/path/to/python"
}

# One first run at a time: a symbolic link is made atomically and carries the maker's process id.
enter() {
    local other told=
    until ln -s "$$" "$guard" 2>/dev/null; do
        [ -w "$root" ] || fail "$root is not writable: the environment goes to $venv"
        other=$(readlink "$guard") || continue
        if ! kill -0 "$other" 2>/dev/null; then
            [ "$(readlink "$guard")" = "$other" ] && rm -f "$guard"
        else
            [ "$told" ] || say "process $other is making the environment; waiting"
            told=1
            sleep 1
        fi
    done
    trap 'rm -f "$guard"' EXIT
    trap 'say "stopped; the same command makes the environment again"; exit 130' INT TERM HUP
}

# Runs a step with its output in the log; on failure shows the tail.
step() {
    local log=$venv/install.log
    "$@" 2>&1 | tee "$log" | grep --line-buffered -E '^(Downloading|Prepared|Installed|Bytecode)' >&2
    [ "${PIPESTATUS[0]}" = 0 ] && return
    tail -n 12 "$log" >&2
    fail "the environment could not be made (see above; the whole log: $log). Check the network, the package index and" \
        "the disk (about 3 GB), then run the same command again"
}

# uv does not read pip's settings: an index that the user gave to pip is handed on.
index_of_pip() {
    [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] ||
        "$python" -m pip config list 2>/dev/null | sed -n "s/^[^=]*[.]index-url='\(.*\)'$/\1/p" | head -n 1
}

make_environment() {
    local base index
    base=$(find_python) || exit 2
    [ ! -e "$venv" ] || say "the environment in .venv is incomplete or out of date; making it again"
    say "making .venv with $base (once, some minutes)"
    rm -rf "$venv" && mkdir "$venv" || fail "$venv cannot be made anew"
    step "$base" -I -m venv "$venv"
    step "$python" -m pip install --disable-pip-version-check --only-binary :all: --require-hashes -r "$root/requirements-uv.lock"
    index=$(index_of_pip)
    [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
    step "$venv/bin/uv" pip install --python "$python" --require-hashes --only-binary :all: --compile-bytecode -r "$lock"
    cp "$lock" "$marker.new" && mv "$marker.new" "$marker" || fail "$marker cannot be written"
    say "environment ready"
}

if ! whole; then
    enter
    whole || make_environment
    rm -f "$guard"
fi
PYTHONPATH=$root exec "$python" -P -m bench "$@"
