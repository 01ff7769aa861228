"""What README.md and docs/ tell a reader to type works as written."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands():
    lines = [
        line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()
    ]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder that looks like a fresh clone to the commands, so that runs/ stays out of ours."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "studies").symlink_to(ROOT / "studies")
    return folder


def test_the_two_commands_are_targets_of_the_makefile():
    assert commands()[:2] == ["make demo", "make test"]
    for target in ("demo", "test", "bench", "setup"):
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith(".venv/bin/")])
def test_every_command_runs(line, checkout):
    words = shlex.split(line.replace(".venv/bin", str(BIN)))
    done = subprocess.run(
        words,
        cwd=checkout,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr


def test_the_solver_of_the_readme_keeps_the_contract():
    from qfl.testing import check_solver

    names: dict = {}
    prelude = (
        "from dataclasses import dataclass\nimport numpy as np\n"
        "from qfl.core.decision import Bill, Decision\nfrom qfl.core.problem import Problem\n"
    )
    exec(prelude + blocks("python")[0], names)
    check_solver(names["FirstK"]())


def test_links_and_pictures_exist():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_page_on_decisions_runs_from_top_to_bottom(capsys):
    names: dict = {}
    page = (ROOT / "docs" / "decisions.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    assert names["decision"].feasible
    assert names["best"].energy <= names["decision"].energy
    energies = names["problem"].qubo.energy(names["states"])
    assert names["probabilities"] @ energies == pytest.approx(names["mean"], abs=1e-12)
    assert names["found"].energy == -6.0  # the clique of four
    assert len(capsys.readouterr().out.split()) == 7
