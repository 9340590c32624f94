#!/bin/bash
# Gradescope runs this as root when it builds the image, on Ubuntu 22.04 or 24.04.
set -euo pipefail
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
apt-get update
# The kit needs Python 3.11, 3.12 or 3.13; Ubuntu 22.04 calls 3.10 python3.
for version in 3.13 3.12 3.11; do
    if apt-get install --yes --no-install-recommends \
        "python$version" "python$version-venv" graphviz bubblewrap; then
        break
    fi
done
"python$version" -m venv /opt/coursekit
pip=(/opt/coursekit/bin/python -m pip install --no-cache-dir)
if [ -f requirements.lock ]; then
    "${pip[@]}" --require-hashes --only-binary :all: -r requirements.lock
    "${pip[@]}" --no-deps --no-index kit/*.whl
else
    "${pip[@]}" kit/*.whl
fi
# Hidden tests and solutions are root's.
chmod -R go-rwx /autograder/source
# The kernel of the machine that grades may be another one; this tells what to expect.
/opt/coursekit/bin/coursekit doctor || true
