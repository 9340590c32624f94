"""A real browser, and Jupyter servers for it: on loopback only, writing below tmp_path only."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Route,
    WebError,
    expect,
    sync_playwright,
)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_SECONDS = 60
_END_SECONDS = 15
# As long as a machine under load may need.
_MILLISECONDS = 120_000
# A page's own text, never a way out.
_INLINE = {"about", "blob", "data", "file"}


def chromium() -> str:
    """The browser's path; "" if this machine has none."""
    return next(filter(None, map(shutil.which, _NAMES)), "")


@dataclass
class Visitor:
    """Opens pages; the test fails if one asks another machine, or tells its console an error."""

    browser: Browser

    @contextlib.contextmanager
    def page(
        self, server: JupyterServer, *, may_ask: str = "", may_say: str = "(?!)"
    ) -> Iterator[Page]:
        """A page in a browser that remembers nothing but the server's token.

        Args:
            server: where the visitor is let in.
            may_ask: the one address elsewhere that is asked for without failing; in vain.
            may_say: a pattern of the errors that are not the kit's.

        """
        with self.blank(may_ask=may_ask, may_say=may_say) as page:
            # Formgrader's own pages set a cookie that holds for themselves alone.
            page.goto(f"{server.address}/api?token={server.token}")
            yield page

    @contextlib.contextmanager
    def blank(self, *, may_ask: str = "", may_say: str = "(?!)") -> Iterator[Page]:
        """A page in a browser that remembers nothing."""
        left: list[str] = []
        said: list[str] = []

        def listen(message: ConsoleMessage) -> None:
            if message.type == "error":
                said.append(f"{message.text} ({message.location['url']})")

        def catch(error: WebError) -> None:
            said.append(str(error.error))

        def heed(route: Route, request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme in _INLINE or address.hostname == "127.0.0.1":
                route.continue_()
            else:
                if request.url != may_ask:
                    left.append(request.url)
                route.abort()

        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(_MILLISECONDS)
        context.route("**/*", heed)
        context.on("console", listen)
        context.on("weberror", catch)
        try:
            yield context.new_page()
        finally:
            context.close()
        assert left == [], f"the page asks other machines: {left}"
        ours = [each for each in said if not re.search(may_say, each)]
        assert ours == [], f"the page has errors: {ours}"


@contextlib.contextmanager
def open_browser(path: str) -> Iterator[Visitor]:
    """Start a browser; while it is open, asyncio of this thread is Playwright's."""
    arguments = [
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    expect.set_options(timeout=_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=arguments,
            # Chromium's own sandbox refuses to work for root.
            chromium_sandbox=os.getuid() != 0,
        )
        yield Visitor(browser)
        browser.close()


@contextlib.contextmanager
def installed_browser() -> Iterator[Visitor]:
    """Start this machine's browser; skip the tests if there is none."""
    path = chromium()
    if not path:
        pytest.skip(
            "no Chromium on this machine, so no page is looked at; try: apt install chromium"
        )
    with open_browser(path) as found:
        yield found


@dataclass
class JupyterServer:
    """A running server."""

    address: str
    token: str
    log: Path


@contextlib.contextmanager
def jupyter_server(folder: Path, own: Path, **environment: str) -> Iterator[JupyterServer]:
    """Start JupyterLab and Notebook on a folder; everything of its own goes into another."""
    own.mkdir()
    token = secrets.token_hex(16)
    # No token of a session that these tests are started from, and nobody's settings.
    inherited = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    runtime = own / "runtime"
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}",
        "--ServerApp.ip=127.0.0.1",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--ServerApp.port=0",
        "--ServerApp.open_browser=False",
        f"--ServerApp.allow_root={os.getuid() == 0}",
    ]
    # JupyterLab's question whether to fetch news would lie over the notebook.
    news = own / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')
    log = own / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments],
            cwd=folder,
            env={
                **inherited,
                "PATH": path,
                "HOME": str(own),
                "IPYTHONDIR": str(own / "ipython"),
                "JUPYTER_CONFIG_DIR": str(own / "config"),
                "JUPYTER_DATA_DIR": str(own / "data"),
                "JUPYTER_RUNTIME_DIR": str(runtime),
                "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        yield JupyterServer(_address(process, runtime, log), token, log)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not end: {log.read_text()[-2000:]}") from None


def _address(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Wait until the server has written down where it listens."""
    news = runtime / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return str(json.loads(news.read_text())["url"]).rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
