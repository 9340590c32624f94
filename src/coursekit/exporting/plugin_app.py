"""nbgrader's export command, set up to run one plugin in a course, as the course is configured."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.apps import ExportApp
from nbgrader.plugins import ExportPlugin
from traitlets.config import Config

from coursekit.nbgrader_seam import commands


@contextlib.contextmanager
def plugin_app(
    course: Path, plugin: type[ExportPlugin], log: logging.Logger, **settings: Any
) -> Iterator[Any]:
    """Give the command, ready to start, while the course folder is the current one.

    Args:
        course: the course folder.
        plugin: the plugin that it runs.
        log: where it tells what it does.
        **settings: the plugin's settings.

    """
    config = Config()
    config.ExportApp.plugin_class = plugin
    for name, value in settings.items():
        config[plugin.__name__][name] = value
    commands.install()
    with contextlib.chdir(course), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's, of how nbgrader uses it
        app = ExportApp(log=log)
        app.initialize([])
        app.update_config(config)
        yield app
