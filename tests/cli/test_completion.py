"""Shell completion, through the script that a shell sources and the protocol that it speaks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from telefonie_mcp.cli.completion import LINES
from tests.support.commands import command
from tests.support.wire import environment

ASK = """
compopt() {{ echo "option $1 $2"; }}
COMP_WORDS=({words}) COMP_CWORD={place}
_telefonie_mcp_completion telefonie-mcp
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(home: Path, shell: str, *words: str, **variables: str) -> list[str]:
    """Return what a shell is told for the last of the words."""
    asked = {
        "_TELEFONIE_MCP_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(["telefonie-mcp", *words]),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words)),
    }
    status, output, errors = command(home, **asked, **variables)
    assert (status, errors) == (0, "")
    if shell == "zsh":
        return output.splitlines()[1::3]
    return [re.split(r"[,\t]", line)[1] for line in output.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lo"], ["log"]),
        (["call", "purch"], ["purchase_number"]),
        (["tools", "rel"], ["release_number"]),
        (["call", "search_available_numbers", "t"], ["type="]),
        (["call", "purchase_number", "phone_number=+14155550123", "v"], ["voice_url="]),
        (["log", "--st"], ["--state"]),
        (["config", "claude"], ["claude-desktop", "claude-code"]),
        (["log", "--state", "unk"], ["unknown"]),
        (["call", "no_such_tool", "x"], []),
    ],
)
def test_commands_tools_arguments_and_choices(
    shell: str, words: list[str], expected: list[str], tmp_path: Path
) -> None:
    assert completed(tmp_path, shell, *words) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("type=to", ["type=toll-free"]),
        ("sms_enabled=", ["sms_enabled=true", "sms_enabled=false"]),
        (
            "country_code=d",
            [
                "country_code=DE",
                "country_code=DJ",
                "country_code=DK",
                "country_code=DM",
                "country_code=DO",
                "country_code=DZ",
            ],
        ),
        ("limit=", []),
    ],
)
def test_values_are_completed_with_their_name(
    shell: str, word: str, expected: list[str], tmp_path: Path
) -> None:
    assert sorted(completed(tmp_path, shell, "call", "search_available_numbers", word)) == sorted(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["type", "=", "to"], ["toll-free"]),
        (["type", "="], ["local", "national", "toll-free", "mobile"]),
        (["country_code", "=", "US", "type", "=", "na"], ["national"]),
        (["country_code", "=", "US", "cont"], ["contains="]),
    ],
)
def test_bash_breaks_words_at_the_equals_sign(words: list[str], expected: list[str], tmp_path: Path) -> None:
    assert completed(tmp_path, "bash", "call", "search_available_numbers", *words) == expected


def test_settings_decide_which_tools_there_are(tmp_path: Path) -> None:
    assert completed(tmp_path, "fish", "--read-only", "call", "purch") == []
    assert completed(tmp_path, "fish", "call", "purch", TELEFONIE_READ_ONLY="true") == []
    assert completed(tmp_path, "fish", "call", "check_p", TELEFONIE_TOOLSETS="all") == ["check_portability"]
    assert completed(tmp_path, "fish", "call", "purch", TELEFONIE_NO_SETTING="1") == []


def test_a_list_is_completed_again(tmp_path: Path) -> None:
    words = ["call", "check_portability", "phone_numbers=+14155550123", "ph"]
    assert completed(tmp_path, "fish", *words, TELEFONIE_TOOLSETS="all") == ["phone_numbers="]


def test_bash_completes_with_the_line_that_installs_it(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = ("telefonie-mcp", "call", "search_available_numbers", "vo")
    ask = ASK.format(words=" ".join(words), place=len(words) - 1)
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{LINES['bash']}\n{ask}"],
        env=environment(tmp_path, PATH=path),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.splitlines() == ["option -o nospace", "voice_enabled="]


@pytest.mark.parametrize("shell", LINES)
def test_every_line_makes_a_script(shell: str, tmp_path: Path) -> None:
    assert f"_TELEFONIE_MCP_COMPLETE={shell}_source" in LINES[shell]
    status, output, _ = command(tmp_path, _TELEFONIE_MCP_COMPLETE=f"{shell}_source")
    assert status == 0
    assert f"_TELEFONIE_MCP_COMPLETE={shell}_complete" in output


def test_zsh_adds_no_space_after_an_argument_s_name(tmp_path: Path) -> None:
    _, script, _ = command(tmp_path, _TELEFONIE_MCP_COMPLETE="zsh_source")
    assert "    local -a joined\n" in script
    assert '[[ "$key" == *= ]] && joined=(-S "")\n' in script
    assert script.count('"${joined[@]}"') == 2
