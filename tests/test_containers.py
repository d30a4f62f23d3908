"""The files for containers, read: what they install, copy and publish. Nothing is started."""

from __future__ import annotations

import importlib
import re
from typing import Any

from tests.conftest import ROOT
from tests.test_layers import ROOMS

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def compose() -> Any:
    yaml: Any = importlib.import_module("yaml")
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_every_port_is_published_on_this_machine_alone() -> None:
    ports = [port for service in compose()["services"].values() for port in service["ports"]]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_no_password_is_written_down() -> None:
    for service in compose()["services"].values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "AUTH" in name:
                assert re.search(r"\$\{NEO4J_PASSWORD:\?[^}]+\}$", value), name
    assert "PASSWORD" not in DOCKERFILE


def test_the_app_asks_the_server_of_the_same_file() -> None:
    services = compose()["services"]
    assert services["neo4j"]["image"] == "neo4j:5-community"
    assert services["app"]["environment"]["GRANTMAP_STORE"] == "bolt://neo4j:7687"
    assert services["app"]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert services["app"]["stdin_open"] is True
    named = {volume.split(":")[0] for service in services.values() for volume in service["volumes"]}
    assert named == set(compose()["volumes"])


def test_the_image_holds_every_room_and_exactly_the_locked_libraries() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == set(ROOMS)
    assert "pip install --require-hashes -r requirements.lock" in DOCKERFILE
    assert "pip install --no-deps --no-build-isolation --editable ." in DOCKERFILE
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    sources = {name for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    assert sources == allowed
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_the_app_does_not_run_as_root() -> None:
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
