import os
import platform
import subprocess
import sys

import pytest

from telefonie_mcp.ledger.owner import OWNER, gone

HOST = platform.node()


def pid_of_the_dead() -> int:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait(30)
    return process.pid


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(OWNER, id="this process"),
        pytest.param(f"{HOST}:{os.getppid()}:0a0a", id="a process that runs"),
        pytest.param(f"{HOST}:1:0a0a", id="a process of somebody else, perhaps"),
        pytest.param(f"elsewhere.example:{os.getpid()}:0a0a", id="another machine"),
        pytest.param("fe80::1:1:0a0a", id="another machine with colons in its name"),
    ],
)
def test_who_may_still_work_is_not_gone(owner: str) -> None:
    assert not gone(owner)


def test_a_process_that_has_ended_is_gone() -> None:
    assert gone(f"{HOST}:{pid_of_the_dead()}:0a0a")


def test_an_earlier_process_with_the_number_of_this_one_is_gone() -> None:
    assert gone(f"{HOST}:{os.getpid()}:0a0a")
