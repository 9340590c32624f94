"""What makes an environment for students: for Binder, for dev containers, for VS Code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from coursekit.publishing.student_packages import draws_networks, pinned_packages

_REQUIREMENTS = ".binder/requirements.txt"
_EXTENSIONS = ["ms-python.python", "ms-toolsai.jupyter"]
_HEAD = (
    "# What the notebooks import, in the versions that they were tried with; "
    "for Binder and dev containers.\n"
)


def environment_files(title: str, releases: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files by their paths.

    Binder takes the folder ``.binder`` instead of files beside the notebooks. The packages'
    versions are known to work with the Python that runs here, so it is asked for.

    Args:
        title: what the container is called.
        releases: the releases' files, by their paths.

    """
    packages = pinned_packages(releases)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    install = f"pip install --user --requirement {_REQUIREMENTS}"
    texts = {
        _REQUIREMENTS: _HEAD + "".join(f"{package}\n" for package in packages),
        ".binder/runtime.txt": f"python-{python}\n",
        ".vscode/extensions.json": _json({"recommendations": _EXTENSIONS}),
    }
    if draws_networks(packages):
        texts[".binder/apt.txt"] = "graphviz\n"
        apt = "sudo apt-get update && sudo apt-get install --yes --no-install-recommends graphviz"
        install = f"{apt} && {install}"
    texts[".devcontainer/devcontainer.json"] = _json(
        {
            "name": title,
            "image": f"mcr.microsoft.com/devcontainers/python:{python}",
            "postCreateCommand": install,
            # Training keeps three copies of a network's weights.
            "hostRequirements": {"cpus": 2, "memory": "4gb"},
            "customizations": {"vscode": {"extensions": _EXTENSIONS}},
        }
    )
    return {path: text.encode() for path, text in texts.items()}


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
