"""Scripts that need packages of their own keep their types with exactly those packages.

The versions of two frameworks rule each other out, so no one environment could check them all.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.remote import CLIENTS, DRIVERS
from tests.clients.support import python_of

SCRIPTS = {
    client.environment: sorted({client.environment, DRIVERS / client.driver})
    for client in CLIENTS.values()
    if client.driver and client.driver.endswith(".py")
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_strict(script: Path, tmp_path: Path) -> None:
    files = [os.path.relpath(file, tmp_path) for file in SCRIPTS[script]]
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": [str(DRIVERS)]}
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps({"include": files, **strict}))
    command = "pyright", "--project", str(project), "--pythonpath", python_of(script), "--outputjson"
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, check=False
    )
    report = json.loads(done.stdout)
    assert [f"{found['file']}: {found['message']}" for found in report["generalDiagnostics"]] == []
    assert report["summary"]["filesAnalyzed"] == len(files)
