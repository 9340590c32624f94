"""Where a published folder will be, and the links that open its notebooks from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from coursekit.errors import CourseKitError

DOWNLOADS = "downloads"
_GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", re.ASCII)
_WEB = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w.~%/+@-]*)?", re.ASCII)
_BRANCH = re.compile(r"(?!.*\.\.)[\w][\w./-]*(?<![./])", re.ASCII)
_GIVE = (
    "give the repository that you will push to, with: coursekit publish DIR --address "
    "https://github.com/OWNER/REPOSITORY; or where else the files will be, with: "
    "coursekit publish DIR --files https://HOST/FOLDER"
)


@dataclass(frozen=True)
class PublishedAddress:
    """Where a folder will be published.

    Attributes:
        repository: its address on GitHub, without an ending; "" if it will not be there.
        branch: the branch that it is pushed to.
        files: where its files can be fetched, without a slash at the end.
        hub: the address of a JupyterHub that has nbgitpuller; "" without one.

    """

    repository: str
    branch: str
    files: str
    hub: str = ""

    @property
    def name(self) -> str:
        """What the repository is called; "" without one."""
        return self.repository.rpartition("/")[2]

    def archive(self, name: str) -> str:
        """Return where a packed release can be fetched."""
        return f"{self.files}/{DOWNLOADS}/{quote(name)}"

    def colab(self, path: str) -> str:
        """Return the link that opens a notebook in Colab."""
        return (
            f"https://colab.research.google.com/github/{self._owner_and_name}/blob/"
            f"{quote(self.branch)}/{quote(path)}"
        )

    def binder(self, path: str) -> str:
        """Return the link that opens a notebook on Binder."""
        branch = quote(self.branch, safe="")
        place = f"https://mybinder.org/v2/gh/{self._owner_and_name}/{branch}"
        return f"{place}?{urlencode({'labpath': path}, quote_via=quote, safe='')}"

    def nbgitpuller(self, path: str) -> str:
        """Return the link that fetches the repository into a JupyterHub, and opens a notebook."""
        asked = {
            "repo": self.repository,
            "branch": self.branch,
            "urlpath": f"lab/tree/{self.name}/{path}",
        }
        return f"{self.hub}/hub/user-redirect/git-pull?{urlencode(asked, quote_via=quote, safe='')}"

    @property
    def codespace(self) -> str:
        """The link that opens the repository in a GitHub codespace."""
        return (
            f"https://codespaces.new/{self._owner_and_name}/tree/{quote(self.branch)}?quickstart=1"
        )

    @property
    def dev_container(self) -> str:
        """The link that opens the repository in a container, in VS Code."""
        place = "vscode://ms-vscode-remote.remote-containers/cloneInVolume?url="
        branch = "" if self.branch == "main" else f"/tree/{quote(self.branch)}"
        return f"https://vscode.dev/redirect?url={place}{self.repository}{branch}"

    @property
    def _owner_and_name(self) -> str:
        return urlsplit(self.repository).path.strip("/")


def published_address(repository: str, branch: str, files: str, hub: str) -> PublishedAddress:
    """Return where a folder will be published.

    Args:
        repository: the repository's address; "" without one.
        branch: its branch; "" for main.
        files: where the files can be fetched; "" for in the repository.
        hub: the address of a JupyterHub; "" without one.

    Raises:
        CourseKitError: if an address is missing or cannot be one.

    """
    if not repository and not files:
        raise CourseKitError("it is not known where this will be published", _GIVE)
    branch = branch or "main"
    if not _BRANCH.fullmatch(branch):
        raise CourseKitError(f"{branch!r} is no name of a branch", "name one, such as: main")
    if repository:
        found = _GITHUB.fullmatch(repository)
        if not found:
            raise CourseKitError(f"{repository} is no repository on GitHub", _GIVE)
        owner, name = found.groups()
        repository = f"https://github.com/{owner}/{name}"
        files = files or f"https://raw.githubusercontent.com/{owner}/{name}/{quote(branch)}"
    elif hub:
        raise CourseKitError(
            "a JupyterHub fetches a repository, and none is named", f"{_GIVE}, or leave --hub out"
        )
    return PublishedAddress(repository, branch, _web_address(files), hub and _web_address(hub))


def _web_address(text: str) -> str:
    """An address of the web, without a slash at its end."""
    if not _WEB.fullmatch(text):
        raise CourseKitError(
            f"{text!r} is no address of the web", "give one such as https://example.org/course"
        )
    return text.rstrip("/")
