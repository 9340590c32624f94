#!/bin/sh
# Make .venv from requirements.lock, with the Python that is there or with the one named:
#   sh environment.sh [/path/to/python3.12]
# Where .venv is already what the lock file says, nothing is done. `make setup` runs this.
set -eu
cd "$(dirname "$0")"

accepted="3.11 3.12 3.13"
needed="Python 3.11, 3.12 or 3.13 is needed"
named=${1:-}

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

is_accepted() {
    case " $accepted " in
        *" $(version_of "$1") "*) ;;
        *) return 1 ;;
    esac
}

# From 22.3 on, pip can install into another Python's environment. So Debian's python3-venv, which
# puts a pip into every environment, is not needed.
has_pip() {
    "$1" -c 'import pip; assert tuple(map(int, pip.__version__.split(".")[:2])) >= (22, 3)' 2>/dev/null
}

candidates() {
    for name in python3 python3.13 python3.12 python3.11; do
        echo "$PATH" | tr ':' '\n' | while read -r folder; do
            [ ! -x "$folder/$name" ] || echo "$folder/$name"
        done
    done
}

# A Python that was named once need not be named again: without a name, .venv keeps its Python.
python=$named
if [ -z "$python" ]; then
    python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)' 2>/dev/null) || python=""
    is_accepted "$python" || python=""
fi
if [ -z "$python" ]; then
    found=$(candidates)
    IFS='
'
    for candidate in $found; do
        is_accepted "$candidate" || continue
        python=${python:-$candidate}
        if has_pip "$candidate"; then
            python=$candidate
            break
        fi
    done
    unset IFS
fi

name_one="name another: make PYTHON=/path/to/python3.12 ..."
if [ -z "$python" ]; then
    there=$(version_of python3) && there="python3 is $there" || there="there is no python3"
    fail "$needed, and $there" \
        "install one (Debian 12 or 13: apt install python3 python3-pip), or $name_one"
fi
is_accepted "$python" || {
    is=$(version_of "$python") && is="Python $is" || is="no Python that runs"
    fail "$needed, and $python is $is" "$name_one"
}

need_pip() {
    has_pip "$python" || fail "$python has no pip, or one older than 22.3" \
        "apt install python3-pip, or $name_one"
}

install() {
    "$python" -m pip --python .venv/bin/python install --quiet "$@"
}

# What .venv was made from is written into it, last of all. After an upgrade of the system its
# Python may be a newer one, which finds none of the packages, or be gone.
version=$(version_of "$python")
from="$version $(cksum <requirements.lock) $PWD"
if [ "$(cat .venv/made-from 2>/dev/null)" != "$from" ] ||
    [ "$(version_of .venv/bin/python)" != "$version" ]; then
    need_pip
    echo "making .venv with $python (about 2.6 GB, a few minutes)"
    "$python" -m venv --without-pip --clear .venv
    install --require-hashes --requirement requirements.lock
    echo "$from" >.venv/made-from
fi
kit=$(cksum <pyproject.toml)
if [ "$(cat .venv/kit-from 2>/dev/null)" != "$kit" ]; then
    need_pip
    install --no-build-isolation --no-deps --editable .
    echo "$kit" >.venv/kit-from
fi
