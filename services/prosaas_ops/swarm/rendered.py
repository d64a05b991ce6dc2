"""From the model that Compose makes of the files to what `docker stack deploy` takes, and what it refuses left out."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.texts import swarm as words

# Of a service in both languages; what else Compose says of one is for Compose alone, or is translated below.
_KEPT = (
    "cap_drop", "command", "entrypoint", "healthcheck", "init", "labels", "logging", "read_only", "stop_grace_period",
    "sysctls", "ulimits", "user",
)  # fmt: skip
# The longest name that Swarm gives, and how much of it tells one content from another.
_LONGEST, _DIGEST = 64, 10
# Files beside those that a service reads: a word changed in one of them is no reason to roll anything out.
_UNREAD = ("example.env", "dev.env")
_GUESSES = 20_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A stack and the contents that it names: secrets and configs, each under a name that its content gives."""

    stack: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)


def rendered(model: Mapping[str, Any], images: Mapping[str, str]) -> Rendered:
    """The stack of a model as `docker compose config` prints it; `images` are those to run in place of the model's."""
    project = str(model["name"])
    made = Rendered({"services": {}, "networks": {}, "volumes": {}, "secrets": {}, "configs": {}})
    for name, network in model["networks"].items():
        # Attachable, so that the operator's tools come in from a manager as they do on one host.
        kept = {key: network[key] for key in ("name", "internal") if key in network}
        made.stack["networks"][name] = {**kept, "driver": "overlay", "attachable": True}
    for name, volume in (model.get("volumes") or {}).items():
        made.stack["volumes"][name] = {"name": volume["name"]}
    for name, service in model["services"].items():
        made.stack["services"][name] = _service(project, service, images, model, made)
    return made


def part(stack: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The same stack with these services alone."""
    return {**stack, "services": {name: stack["services"][name] for name in names if name in stack["services"]}}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """By service what a deploy would change: `image`, `environment LOG_LEVEL`, `added`, `removed`."""
    old, new = before.get("services", {}), after.get("services", {})
    found = {name: ["removed"] for name in old if name not in new}
    for name, service in new.items():
        if name not in old:
            found[name] = ["added"]
        elif changed := [word for key in sorted({*service, *old[name]}) for word in _changed(key, old[name], service)]:
            found[name] = changed
    return found


def _changed(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get(key), new.get(key)
    if before == after:
        return
    if key in ("environment", "deploy"):
        before, after = before or {}, after or {}
        yield from (f"{key} {name}" for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    else:
        yield key


def _service(
    project: str, service: Mapping[str, Any], images: Mapping[str, str], model: Mapping[str, Any], made: Rendered
) -> dict[str, Any]:
    told: dict[str, Any] = {key: service[key] for key in _KEPT if service.get(key) is not None}
    told["image"] = images.get(service["image"], service["image"])
    told["environment"] = {
        name: str(value) for name, value in (service.get("environment") or {}).items() if value is not None
    }
    told["networks"] = sorted(service.get("networks") or {})
    told["deploy"] = _deploy(service)
    if ports := list(_ports(service)):
        told["ports"] = ports
    for secret in service.get("secrets") or ():
        named = _secret(project, secret["source"], model["secrets"][secret["source"]], made)
        target = secret.get("target") or secret["source"]
        told.setdefault("secrets", []).append({"source": named, "target": target.removeprefix("/run/secrets/")})
    if shared := service.get("shm_size"):
        told.setdefault("volumes", []).append(_in_memory("/dev/shm", int(shared)))
    for volume in service.get("volumes") or ():
        match volume["type"]:
            case "bind":
                told.setdefault("configs", []).extend(_configs(project, volume, model, made))
            case "tmpfs":
                size = int(volume["tmpfs"]["size"])
                told.setdefault("volumes", []).append(_in_memory(volume["target"], size))
            case _:
                kept = {key: volume[key] for key in ("type", "source", "target", "read_only") if key in volume}
                told.setdefault("volumes", []).append(kept)
    return told


def _deploy(service: Mapping[str, Any]) -> dict[str, Any]:
    deploy = {key: value for key, value in service["deploy"].items() if value not in ({}, None)}
    limits = deploy.get("resources", {}).get("limits", {})
    if "cpus" in limits:
        deploy["resources"] = {"limits": {**limits, "cpus": str(limits["cpus"])}}
    return deploy


def _ports(service: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """On the node itself, where a long socket meets no second hop. What is for one address alone stays inside."""
    for port in service.get("ports") or ():
        if not port.get("host_ip"):
            yield {"target": int(port["target"]), "published": int(port["published"]), "mode": "host"}


def _in_memory(target: str, size: int) -> dict[str, Any]:
    return {"type": "tmpfs", "target": target, "tmpfs": {"size": size}}


def _secret(project: str, name: str, told: Mapping[str, Any], made: Rendered) -> str:
    # Swarm keeps nothing empty, and a value is read without the blanks around it.
    content = _text(Path(told["file"])) or "\n"
    # Who may list a name is not who may read what it names: guessing a weak secret from it is made slow.
    slow = hashlib.pbkdf2_hmac("sha256", content.encode(), f"{project}/{name}".encode(), _GUESSES)
    named = _named(project, name, slow.hex())
    made.secrets[named] = content
    made.stack["secrets"][named] = {"external": True, "name": named}
    return named


def _configs(project: str, volume: Mapping[str, Any], model: Mapping[str, Any], made: Rendered) -> Iterator[Any]:
    """A folder of this machine is not on the others: each file of it, in folders within it too, is a config."""
    source = Path(volume["source"])
    if source.is_socket() or not source.exists():
        raise Problem(words.NOT_CARRIED(path=source))
    # A folder within it that another service has for its own concerns that one alone.
    others = {folder for folder in map(Path, _bound(model)) if source in folder.parents}
    files = [
        path
        for path in (sorted(source.rglob("*")) if source.is_dir() else [source])
        if path.is_file() and path.name not in _UNREAD and others.isdisjoint(path.parents)
    ]
    if not files:
        raise Problem(words.NOTHING_CARRIED(path=source))
    for path in files:
        content = _text(path)
        named = _named(project, path.name, hashlib.sha256(content.encode()).hexdigest())
        made.configs[named] = content
        made.stack["configs"][named] = {"external": True, "name": named}
        target = f"{volume['target']}/{path.relative_to(source)}" if source.is_dir() else volume["target"]
        yield {"source": named, "target": target, "mode": 0o444}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Problem(words.NOT_TEXT(path=path)) from None


def _bound(model: Mapping[str, Any]) -> Iterator[str]:
    for service in model["services"].values():
        yield from (volume["source"] for volume in service.get("volumes") or () if volume["type"] == "bind")


def _named(project: str, name: str, digest: str) -> str:
    return f"{f'{project}_{name}'[: _LONGEST - _DIGEST - 1]}_{digest[:_DIGEST]}"
