# Finds a Python that is new enough. Sourced by the scripts beside it: sets $checkout and $python, or ends with one line.

checkout=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 2

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python=
# The environment's own Python first: on every start but the first it is the answer.
for candidate in "$checkout/.venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11 python; do
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ] && found=$(uv python find '>=3.11' 2>/dev/null) && new_enough "$found"; then
    python=$found
fi
if [ -z "$python" ]; then
    echo "Kettle Web needs Python 3.11 or newer; found: $(python3 --version 2>/dev/null || echo 'no python3 at all')." >&2
    exit 2
fi
