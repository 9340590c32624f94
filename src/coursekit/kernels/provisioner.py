"""How a student kernel's process is started: the seam for isolation.

Registered as the ``jupyter_client`` kernel provisioner "coursekit-student".
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

# Said in every verdict.
ISOLATION = "separate process, no sandbox"

# What a kernel needs of the conductor's environment; the rest stays here.
KEPT_VARIABLES = ("LANG", "LC_ALL", "PATH", "TZ")


def kernel_environment(home: Path) -> dict[str, str]:
    """Return the environment of a student kernel whose private folder is ``home``."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
        "KERAS_HOME": str(home / "keras"),
        "KERAS_BACKEND": "tensorflow",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NBGRADER_EXECUTION": "autograde",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TMPDIR": str(home),
    }


class StudentProvisioner(LocalProvisioner):
    """Starts a student kernel with a private home and an environment without secrets."""

    _home: tempfile.TemporaryDirectory[str] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Replace the environment that the kernel would inherit."""
        launch: dict[str, Any] = await super().pre_launch(**kwargs)
        self._home = tempfile.TemporaryDirectory(prefix="coursekit-home-")
        launch["env"] = kernel_environment(Path(self._home.name))
        # TensorFlow's start-up messages are nobody's business; what the
        # student prints comes over the kernel's channels.
        launch["stdout"] = launch["stderr"] = subprocess.DEVNULL
        return launch

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the private home with what the kernel left in it."""
        await super().cleanup(restart=restart)
        if self._home is not None and not restart:
            self._home.cleanup()
            self._home = None
