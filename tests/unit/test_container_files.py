"""The Containerfile and the job for Kubernetes keep the rules that make them safe to run."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

from coursekit.command_options import read_arguments

COURSE = Path(__file__).resolve().parents[2]
# https://kubernetes.io/docs/concepts/security/pod-security-standards: "restricted".
SAFE_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
OF_THE_HOST = {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions, each on one line."""
    text = re.sub(r"^#.*\n", "", (COURSE / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def commands() -> list[str]:
    """The commands that build the image, apart by the programs that they start."""
    return [
        " ".join(each.split())
        for word, rest in instructions()
        if word == "RUN"
        for each in rest.split("&&")
    ]


def test_the_image_runs_as_an_ordinary_user() -> None:
    *_, user = [rest for word, rest in instructions() if word == "USER"]
    assert re.fullmatch(r"[1-9]\d{4,}:[1-9]\d{4,}", user)


def test_every_package_is_pinned_by_hash() -> None:
    installs = [each for each in commands() if " install " in each and "apt-get" not in each]
    assert installs
    for each in installs:
        assert "--require-hashes" in each or ("--no-deps" in each and "--no-index" in each), each
    for each in commands():
        assert " wheel " not in each or {"--no-deps", "--no-build-isolation"} <= set(each.split())


def test_nothing_comes_from_the_network_but_packages() -> None:
    words = {word for word, _ in instructions()}
    assert words <= {"ARG", "FROM", "WORKDIR", "RUN", "ENV", "COPY", "USER", "ENTRYPOINT", "CMD"}
    assert not re.search(r"curl|wget|git clone|http", " ".join(commands()))


def test_only_what_the_image_needs_is_copied() -> None:
    first, *named, _, _ = [
        line for line in (COURSE / ".dockerignore").read_text().splitlines() if line[0] != "#"
    ]
    assert first == "*"
    kept = {name.removeprefix("!") for name in named}
    assert {f"!{name}" for name in kept} == set(named)
    assert kept <= {path.name for path in COURSE.iterdir()} - {"submitted", "release"}
    needed = {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "src"}
    links = [path for path in (COURSE / "src").rglob("*") if path.is_symlink()]
    needed |= {path.resolve().relative_to(COURSE).parts[0] for path in links}
    assert needed <= kept
    # What lies in the last of the stages comes from the environment alone.
    last = [place for place, (word, _) in enumerate(instructions()) if word == "FROM"][-1]
    (copied,) = [rest for word, rest in instructions()[last:] if word == "COPY"]
    assert copied.split() == ["--from=build", "/opt/coursekit", "/opt/coursekit"]


def test_the_image_has_no_secret_and_no_compiler() -> None:
    set_here = [rest for word, rest in instructions() if word in {"ARG", "ENV"}]
    assert not re.search(r"(?i)token|secret|password|_key", " ".join(set_here))
    stages = [place for place, (word, _) in enumerate(instructions()) if word == "FROM"]
    assert len(stages) == 2
    packages = [each for each in commands() if "apt-get install" in each]
    assert [each.split()[4:] for each in packages] == [["bubblewrap", "graphviz"]]
    assert all("--no-install-recommends" in each for each in packages)


def test_what_only_the_tests_and_the_documentation_need_is_left_out() -> None:
    extras = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = {Requirement(each).name for each in (*extras["dev"], *extras["docs"])}
    (removed,) = (each.split()[2:] for each in commands() if "uninstall" in each)
    # TensorFlow needs setuptools, too, and rich the other one.
    assert set(removed) - {"--yes"} == named - {"setuptools", "markdown-it-py"}


def example(page: str, language: str, begins: str = "") -> str:
    """The only example in a language, or that begins so, on a page of the documentation."""
    text = (COURSE / "docs" / page).read_text()
    (found,) = re.findall(rf"^```{language}\n({begins}.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found)


def job() -> dict[str, Any]:
    """The job of docs/containers.md."""
    loaded: dict[str, Any] = yaml.safe_load(example("containers.md", "yaml"))
    return loaded


def test_the_job_for_kubernetes_keeps_the_standard_restricted() -> None:
    found = job()
    assert (found["apiVersion"], found["kind"]) == ("batch/v1", "Job")
    pod = found["spec"]["template"]["spec"]
    assert not OF_THE_HOST & set(pod)
    for volume in pod["volumes"]:
        assert len(volume) == 2 and set(volume) - {"name"} <= SAFE_VOLUMES
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"]["type"] in {"RuntimeDefault", "Localhost"}
    assert "sysctls" not in pod["securityContext"]
    assert not {"initContainers", "ephemeralContainers"} & set(pod)
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        # What it sets here counts more than what the pod sets.
        assert not {"privileged", "procMount", "runAsUser", "runAsNonRoot"} & set(context)
        assert "ports" not in container


def test_the_job_for_kubernetes_runs_what_the_image_has() -> None:
    pod = job()["spec"]["template"]["spec"]
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert ("USER", user) in instructions()
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounted = {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}
    assert ("WORKDIR", "/course") in instructions() and "/course" in mounted
    for place in ("/tmp", "/dev/shm"):
        assert mounted[place]["emptyDir"]["medium"] == "Memory"
    assert set(volumes) == {each["name"] for each in container["volumeMounts"]}


def shards_of(command: list[str], tasks: list[dict[str, str]]) -> list[str]:
    """Which shards the tasks of an array grade, each run by a shell with its variables."""
    shards = []
    for variables in tasks:
        shell = [command[0], "-c", 'coursekit() { printf "%s\\n" "$@"; }\n' + command[-1]]
        environment = {"PATH": os.environ["PATH"], **variables}
        said = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True)
        chosen = read_arguments(said.stdout.splitlines())
        assert (chosen.command, chosen.out) == ("grade", Path("build/shards"))
        shards.append(str(chosen.shard))
    return shards


def test_each_task_of_an_array_grades_another_shard() -> None:
    script = example("cluster.md", "sh", "#!")
    (first, last) = re.findall(r"--array=(\d+)-(\d+)$", script, re.MULTILINE)[0]
    every = [f"shard {number} of 8" for number in range(1, 9)]
    slurm = {"SLURM_SUBMIT_DIR": str(COURSE), "SLURM_ARRAY_TASK_COUNT": "8"}
    tasks = range(int(first), int(last) + 1)
    assert every == shards_of(
        ["sh", script], [{**slurm, "SLURM_ARRAY_TASK_ID": str(task)} for task in tasks]
    )
    changed = yaml.safe_load(example("cluster.md", "yaml"))["spec"]
    (container,) = changed["template"]["spec"]["containers"]
    assert container["name"] == job()["spec"]["template"]["spec"]["containers"][0]["name"]
    assert changed["completionMode"] == "Indexed" and container["command"] == ["sh", "-c"]
    pods = range(changed["completions"])
    assert every == shards_of(
        ["sh", *container["args"]], [{"JOB_COMPLETION_INDEX": str(pod)} for pod in pods]
    )


def test_ci_grades_in_a_container_without_more_rights() -> None:
    workflow = yaml.safe_load((COURSE / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["container"]
    base = next(rest for word, rest in instructions() if word == "ARG").partition("=")[2]
    # A name alone: options would be given in a table.
    assert f"docker.io/library/{job['container']}" == base
    steps = " ".join(step.get("run", "") for step in job["steps"])
    assert "make demo" in steps and "^grading uses landlock" in steps
    assert "--privileged" not in steps and "COURSEKIT_UNSAFE" not in steps
