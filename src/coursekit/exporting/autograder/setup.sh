#!/bin/bash
# Gradescope runs this as root when it builds the image, on Ubuntu 22.04 or 24.04.
set -euo pipefail
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
install=(apt-get install --yes --no-install-recommends)
apt-get update
"${install[@]}" graphviz bubblewrap
# Ubuntu 22.04 has Python 3.10, which is too old, and of 3.11 a release candidate, for which pip
# leaves packages out.
if ! "${install[@]}" python3.12 python3.12-venv; then
    "${install[@]}" ca-certificates gpg-agent software-properties-common
    add-apt-repository --yes ppa:deadsnakes/ppa
    "${install[@]}" python3.12 python3.12-venv
fi
python3.12 -m venv /opt/coursekit
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
