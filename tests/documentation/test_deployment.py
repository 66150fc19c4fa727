"""The files of `examples/deploy/` fit each other, this server's settings, and its limits."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from telefonie_mcp.server.readiness import Readiness
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.settings.tenants import read_tenants
from tests.documentation.pages import BLOCKS, ROOT

DEPLOY = ROOT / "examples/deploy"
KEY, PASSWORD, SEAL = "key-0451-abcdef", "password-0451", "0451" * 8
PRINTS = "#!/bin/sh\nexec env -0\n"
"""A program that prints its environment, in place of the server."""

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES: dict[str, dict[str, Any]] = {
    each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
}
HAPROXY = (DEPLOY / "haproxy.cfg").read_text()
UNIT = (DEPLOY / "telefonie-mcp.service").read_text()
POD: dict[str, Any] = KUBERNETES["Deployment"]["spec"]["template"]["spec"]


def started(
    command: list[str], environment: Mapping[str, str], secrets: Mapping[str, str], home: Path
) -> Settings:
    """Run the command by which a container or unit starts, and return the settings that the server gets.

    Args:
        command: The command, of which the shell runs everything but the server.
        environment: What the file sets.
        secrets: Path of each secret's file → its content.
        home: Where everything is in place of the root directory.

    """
    (home / "bin").mkdir()
    server = home / "bin/telefonie-mcp"
    server.write_text(PRINTS)
    server.chmod(0o755)
    for path, content in secrets.items():
        file = home / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
        file.chmod(0o600)

    def here(text: str) -> str:
        return text.replace("/run/", f"{home}/run/").replace("/opt/telefonie-mcp/", f"{home}/")

    done = subprocess.run(
        [here(part) for part in command],
        env={name: here(value) for name, value in environment.items()}
        | {"PATH": f"{home}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    variables = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    return read_settings(variables)


def seconds(text: str) -> float:
    return float(re.sub("s$", "", text))


def under(directive: str) -> Iterator[str]:
    """Yield the values of a directive of the unit."""
    return (line.split("=", 1)[1] for line in UNIT.splitlines() if line.startswith(f"{directive}="))


def check(settings: Settings, *, stops_within: float) -> None:
    """Check what every way of running the server promises."""
    assert settings.hosted
    assert (settings.mode, settings.key and settings.key.get_secret_value()) == ("live", KEY)
    assert [each.get_secret_value() for each in settings.state_keys] == [SEAL]
    assert stops_within > settings.drain_seconds + settings.timeout
    assert settings.max_monthly_spend


@pytest.fixture
def composed(tmp_path: Path) -> Settings:
    numbers = COMPOSE["services"]["numbers"]
    contents = {"api_key": KEY, "postgres_password": PASSWORD, "state_keys": SEAL}
    return started(
        [part.replace("$$", "$") for part in numbers["entrypoint"]],
        numbers["environment"],
        {f"/run/secrets/{name}": contents[name] for name in numbers["secrets"]},
        tmp_path,
    )


def test_the_replicas_of_the_stack_get_their_settings(composed: Settings) -> None:
    check(composed, stops_within=seconds(COMPOSE["services"]["numbers"]["stop_grace_period"]))
    assert composed.ledger_url == f"postgresql+psycopg://telefonie:{PASSWORD}@postgres/telefonie"
    database = COMPOSE["services"]["postgres"]["environment"]
    assert {database["POSTGRES_USER"], database["POSTGRES_DB"]} == {"telefonie"}


def test_the_services_of_the_stack_fit_each_other(composed: Settings) -> None:
    services = COMPOSE["services"]
    assert {secret for service in services.values() for secret in service["secrets"]} == {*COMPOSE["secrets"]}
    networks = {network for service in services.values() for network in service["networks"]}
    assert networks == {*COMPOSE["networks"]}
    assert "ports" not in services["numbers"]
    assert "ports" not in services["postgres"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    for service in ("numbers", "proxy"):
        assert (services[service]["read_only"], services[service]["cap_drop"]) == (True, ["ALL"])
    (template,) = re.findall(r"server-template replica (\d+) numbers:(\d+)$", HAPROXY, re.MULTILINE)
    assert (int(template[0]), int(template[1])) == (
        services["numbers"]["deploy"]["replicas"],
        composed.http and composed.http.port,
    )
    assert composed.http
    assert composed.http.host == "0.0.0.0"  # the container's network has nobody else
    assert "./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro" in services["proxy"]["volumes"]


def test_the_proxy_lets_no_purchase_through_twice_and_waits_longer_than_a_call(composed: Settings) -> None:
    limits = {
        name: seconds(value)
        for name, value in re.findall(r"^    timeout (\S+) (\S+)$", HAPROXY, re.MULTILINE)
    }
    assert min(limits["client"], limits["server"]) > 2 * composed.timeout
    assert limits.keys() >= {"connect", "queue", "http-request", "http-keep-alive"}
    assert limits["check"] > signature(Readiness).parameters["seconds"].default  # an outage is no reason
    assert "option http-server-close" in HAPROXY  # a lost answer is a 502, which nobody sends again
    assert re.findall(r"retry-on (.+)", HAPROXY) == ["conn-failure"]
    assert "stick match req.hdr(mcp-session-id)" in HAPROXY
    assert "stick store-response res.hdr(mcp-session-id)" in HAPROXY
    assert composed.legacy_sessions == "sticky"
    assert re.findall(r"httpchk GET (\S+)", HAPROXY) == ["/readyz"]


def test_the_pods_get_their_settings(tmp_path: Path) -> None:
    (container,) = POD["containers"]
    ledger = "postgresql+psycopg://telefonie:password-0451@db.example.com/telefonie?sslmode=verify-full"
    mount = container["volumeMounts"][0]["mountPath"]
    settings = started(
        [*container["command"], *container["args"]],
        {each["name"]: each["value"] for each in container["env"]},
        {f"{mount}/{name}": text for name, text in _in_the_secret(ledger).items()},
        tmp_path,
    )
    check(settings, stops_within=POD["terminationGracePeriodSeconds"])
    assert settings.ledger_url == ledger
    assert settings.legacy_sessions == "stateless"
    assert [port["containerPort"] for port in container["ports"]] == [settings.http and settings.http.port]


def _in_the_secret(ledger: str) -> dict[str, str]:
    return {"api-key": KEY, "state-keys": SEAL, "ledger": ledger}


def test_the_pods_are_watched_and_kept_apart() -> None:
    labels = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        KUBERNETES["Deployment"]["spec"]["selector"]["matchLabels"],
        KUBERNETES["Service"]["spec"]["selector"],
        KUBERNETES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        KUBERNETES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert selectors == [labels] * 4
    (container,) = POD["containers"]
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert (
        KUBERNETES["PodDisruptionBudget"]["spec"]["minAvailable"]
        < KUBERNETES["Deployment"]["spec"]["replicas"]
    )
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    ports = {port["port"] for rule in KUBERNETES["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]}
    assert ports == {53, 443, 5432}


def test_the_unit_gets_its_settings(tmp_path: Path) -> None:
    (command,), loaded = under("ExecStart"), dict(each.split(":", 1) for each in under("LoadCredential"))
    assert loaded == {name: f"/etc/telefonie-mcp/{name}" for name in ("api-key", "state-keys")}
    directory = "/run/credentials/telefonie-mcp.service"
    environment = dict(each.split("=", 1) for each in under("Environment"))
    environment = {
        name: value.replace("%d", directory).replace("%S", str(tmp_path))
        for name, value in environment.items()
    }
    contents = {"api-key": KEY, "state-keys": SEAL}
    settings = started(
        [part.replace("$$", "$") for part in shlex.split(command)],
        {**environment, "CREDENTIALS_DIRECTORY": directory},
        {f"{directory}/{name}": contents[name] for name in loaded},
        tmp_path,
    )
    (stops,) = under("TimeoutStopSec")
    check(settings, stops_within=float(stops))
    assert settings.ledger_url == str(tmp_path / "telefonie-mcp/live-ledger.sqlite3")
    assert {*under("DynamicUser"), *under("NoNewPrivileges")} == {"yes"}
    assert [*under("StateDirectory")] == ["telefonie-mcp"]


def in_the_guide(pattern: str) -> list[str]:
    """Return the commands of docs/hosting.md that match a pattern."""
    page = ROOT / "docs/hosting.md"
    typed = [
        line
        for block in BLOCKS
        if (block.page, block.language) == (page, "text")
        for line in block.code.splitlines()
    ]
    found = [line for line in typed if re.match(pattern, line)]
    assert found
    return found


def test_the_guide_s_commands_make_the_secrets_of_the_stack(tmp_path: Path) -> None:
    (tmp_path / "key-file").write_text(KEY)
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).write_text(f"{name}\n")
    script = "\n".join(in_the_guide("(mkdir|head|cp|cat|chmod) .*secrets")).replace("/path/to", str(tmp_path))
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, timeout=300)
    made = {file.name: file for file in (tmp_path / "secrets").iterdir()}
    assert {f"secrets/{name}" for name in made} == {each["file"] for each in COMPOSE["secrets"].values()}
    assert {file.stat().st_mode & 0o777 for file in made.values()} == {0o400}
    given = " ".join(in_the_guide("chown .*secrets"))
    assert {f"secrets/{name}" for name in made} == {*re.findall(r"secrets/\w+", given)}
    numbers = COMPOSE["services"]["numbers"]
    contents = {name: made[name].read_text().rstrip("\n") for name in numbers["secrets"]}
    settings = started(
        [part.replace("$$", "$") for part in numbers["entrypoint"]],
        numbers["environment"],
        {f"/run/secrets/{name}": contents[name] for name in contents},
        tmp_path,
    )
    assert settings.key
    assert settings.key.get_secret_value() == KEY
    password = make_url(settings.ledger_url).password
    assert password == contents["postgres_password"]
    assert [each.get_secret_value() for each in settings.state_keys] == [contents["state_keys"]]


def test_the_guide_s_commands_make_the_secrets_of_the_unit(tmp_path: Path) -> None:
    (tmp_path / "key-file").write_text(KEY)
    directory = "/etc/telefonie-mcp"
    script = "\n".join(in_the_guide(f"(mkdir|head|cp|chmod) .*{directory}"))
    script = script.replace("/path/to", str(tmp_path)).replace(directory, f"{tmp_path}/etc")
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, timeout=300)
    assert {each.split(":", 1)[1] for each in under("LoadCredential")} == {
        f"{directory}/{file.name}" for file in (tmp_path / "etc").iterdir()
    }
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "etc").iterdir()} == {0o400}
    (unit,) = in_the_guide("cp .*/etc/systemd")
    assert (ROOT / unit.split()[1]).is_file()
    (made,) = in_the_guide("python3 -m venv /opt")
    assert f"exec {made.split()[-1]}/bin/telefonie-mcp" in next(under("ExecStart"))


def test_a_pod_can_be_examined_with_its_settings(tmp_path: Path) -> None:
    (examined,) = [block.code for block in BLOCKS if "kubectl exec" in block.code]
    _, _, command = examined[examined.index("kubectl exec") :].partition(" -- ")
    (container,) = POD["containers"]
    contents = _in_the_secret("postgresql+psycopg://telefonie:password-0451@db.example.com/telefonie")
    settings = started(
        shlex.split(command),
        {each["name"]: each["value"] for each in container["env"]},
        {f"{container['volumeMounts'][0]['mountPath']}/{name}": text for name, text in contents.items()},
        tmp_path,
    )
    assert settings.ledger_url == contents["ledger"]
    assert [each.get_secret_value() for each in settings.state_keys] == [SEAL]


def test_the_guide_names_what_is_there() -> None:
    user, group = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]
    assert in_the_guide("chown")[0].startswith(f"chown {user} ")
    assert (POD["securityContext"]["runAsUser"], POD["securityContext"]["fsGroup"]) == (int(user), int(group))
    (secret,) = in_the_guide("kubectl create secret")
    assert {*re.findall(r"--from-file=(\S+)", secret)} == _in_the_secret("").keys()
    assert f" {POD['volumes'][0]['secret']['secretName']} " in secret
    (examined,) = in_the_guide("docker compose run")
    assert examined.split()[-2:] == ["numbers", "doctor"]


def test_the_tenants_tighten_what_the_operator_allows(tmp_path: Path) -> None:
    shown = next(block.code for block in BLOCKS if block.language == "toml" and "[tenants." in block.code)
    text = (DEPLOY / "tenants.toml").read_text()
    assert shown in re.sub(r" +#.*", "", text)
    for name in ("sales_api_key", "support_api_key"):
        (tmp_path / name).write_text(f"{name}-0451")
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "tenants.toml"
    file.write_text(text.replace("/run/secrets", str(tmp_path)))
    operator: dict[str, str] = dict(COMPOSE["services"]["numbers"]["environment"])
    for name in ("TELEFONIE_API_KEY_FILE", "TELEFONIE_ACCOUNT"):
        del operator[name]
    tenants = read_tenants(file, read_settings({**operator, "TELEFONIE_TENANTS": str(file)}))
    assert {tenant.name: tenant.claim for tenant in tenants} == {"sales": "sales", "support": "support"}
    assert tenants.warnings == ()


def test_no_secret_stands_in_the_files() -> None:
    for file in DEPLOY.iterdir():
        text = file.read_text()
        assert not re.search(r"(API_KEY|STATE_KEYS|PASSWORD)[=:] *[^\s/\"%$]", text), file.name
