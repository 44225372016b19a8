"""What `make` does on a machine where nothing is installed, played with a Python that only writes down what it is asked."""

import os
import shutil
import subprocess

import pytest

from tests.server import BASE_DIR

FAKE_PYTHON = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  -V) echo "Python 3.10.2" ;;
  *version_info*) exit "${OLD:-0}" ;;
  *ensurepip*) exit "${NO_ENSUREPIP:-0}" ;;
  "-m venv"*) mkdir -p .venv/bin .venv/lib; cp "$0" .venv/bin/python; cp "$0" .venv/bin/ruff ;;
  *pip\\ install*) exit "${PIP_FAILS:-0}" ;;
esac
"""


class Machine:
    def __init__(self, folder):
        self.folder = folder
        for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(BASE_DIR / name, folder)
        (folder / "tests").mkdir()
        (folder / "tests" / "debian.py").touch()
        for name in ("rivals", "lighthouse"):
            (folder / "bench" / name / "node_modules").mkdir(parents=True)  # which npm makes
            (folder / "bench" / name / "package-lock.json").touch()
        (folder / "bench/rivals/wagtail_site/.venv").mkdir(parents=True)  # which bench.wagtail makes
        (folder / "bench/rivals/wagtail_site/requirements.txt").touch()
        (folder / "python").write_text(FAKE_PYTHON)
        (folder / "python").chmod(0o755)

    def make(self, *arguments, **env) -> tuple[int, str, list[str]]:
        """Exit code, output, and the calls of Python."""
        calls = self.folder / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["make", f"PYTHON={self.folder / 'python'}", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "CALLS": str(calls), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def installs(calls: list[str]) -> list[str]:
    return [call.split()[-1] for call in calls if "pip install" in call]


class RunTests:
    def test_first_run_installs_and_serves(self, machine):
        code, output, calls = machine.make("run")

        assert code == 0, output
        assert installs(calls) == ["requirements.txt"]
        assert all("--require-hashes" in call for call in calls if "pip install" in call)
        assert "requirements.txt" in output
        assert calls[-1].strip() == "-m gruveo.local --port 8000"

    def test_second_run_only_serves(self, machine):
        machine.make("run")

        _, output, calls = machine.make("run", "PORT=9000", "HTTPS=1")

        assert installs(calls) == []
        assert output == ""
        assert calls[-1] == "-m gruveo.local --port 9000 --https"

    def test_changed_requirements_are_installed(self, machine):
        machine.make("run")
        stamp = (machine.folder / ".venv" / "installed-run").stat().st_mtime
        os.utime(machine.folder / "requirements.txt", (stamp + 5, stamp + 5))

        _, _, calls = machine.make("run")

        assert installs(calls) == ["requirements.txt"]
        assert not [call for call in calls if "-m venv" in call]

    def test_failed_installation_does_not_count(self, machine):
        code, _, calls = machine.make("run", PIP_FAILS="1")
        assert code != 0
        assert "gruveo.local" not in calls[-1]

        _, _, calls = machine.make("run")

        assert installs(calls) == ["requirements.txt"]
        assert "gruveo.local" in calls[-1]

    def test_failed_installation_for_tests_spoils_the_one_for_running(self, machine):
        machine.make("run")
        machine.make("lint", PIP_FAILS="1")

        _, _, calls = machine.make("run")

        assert installs(calls) == ["requirements.txt"]

    def test_missing_ensurepip_is_told_with_its_remedy(self, machine):
        code, output, _ = machine.make("run", NO_ENSUREPIP="1")

        assert code != 0
        assert "apt-get install python3-venv" in output
        assert not (machine.folder / ".venv").exists()

    def test_older_python_is_told(self, machine):
        code, output, _ = machine.make("run", OLD="1")

        assert code != 0
        assert "Gruveo needs Python 3.11 or newer" in output
        assert "Python 3.10.2" in output
        assert not (machine.folder / ".venv").exists()

    def test_missing_python_is_told(self, machine):
        code, output, _ = machine.make("run", "PYTHON=no-such-python")

        assert code != 0
        assert "there is no no-such-python" in output


class TestTests:
    def test_tests_need_the_other_packages_and_come_last(self, machine):
        code, output, calls = machine.make("test")

        assert code == 0, output
        assert calls[0] == "tests/debian.py"
        assert installs(calls)[-1] == "requirements-dev.txt"
        assert calls[-6:-1] == [
            "-m bench.npm bench/lighthouse",
            "-m gruveo.catalogues",
            "check .",
            "format --check .",
            "-m tests.audit",
        ]
        assert calls[-1].startswith("-m pytest -p tests.environment ")

    def test_the_conformance_suite_asks_the_server_that_is_named(self, machine):
        code, output, calls = machine.make("conformance", "URL=wss://gruveo.example/signaling")

        assert code == 0, output
        assert installs(calls)[-1] == "requirements-dev.txt"
        assert calls[-1] == "-m pytest -p tests.environment tests/conformance"
        _, output, _ = machine.make("--dry-run", "conformance", "URL=wss://gruveo.example/signaling")
        assert 'CONFORMANCE_URL="wss://gruveo.example/signaling"' in output

    def test_a_bundle_is_made_for_the_role_that_is_named(self, machine):
        code, output, calls = machine.make("bundle", "ROLE=signaling")

        assert code == 0, output
        assert installs(calls) == ["requirements.txt"]
        assert calls[-1] == "-m deploy.bundle signaling"

    def test_bench_installs_the_rivals_once_and_may_be_reduced(self, machine):
        _, _, first = machine.make("bench")
        _, _, second = machine.make("bench", "QUICK=1")

        assert first[-5:-2] == ["-m bench.npm bench/rivals", "-m bench.npm bench/lighthouse", "-m bench.wagtail"]
        assert first[-2:] == ["-m gruveo.catalogues", "-m bench"]
        assert not any("bench.npm" in call or "bench.wagtail" in call for call in second)
        assert second[-1] == "-m bench --quick"

    def test_ci_runs_make_test_and_nothing_else(self):
        script = (BASE_DIR / ".ci" / "run").read_text()

        assert script.splitlines()[-1] == "exec make test"
        assert os.access(BASE_DIR / ".ci" / "run", os.X_OK)


def test_what_the_tests_run_on_holds_what_the_site_runs_on():
    run, dev = (
        {line.split(" ")[0] for line in (BASE_DIR / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-dev.txt")
    )

    assert len(run) > 20
    assert run < dev


def test_make_alone_explains_itself(machine):
    _, output, calls = machine.make()

    assert calls == []
    for target in "help run dev admin test test-long test-fast conformance bench lint audit lock clean".split():
        assert f"make {target} " in output
