"""What the scripts make of the machine that they find: its proxy, its mirror, its registry; commands are played."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import ROOT

CODENAME = "$(. /etc/os-release; echo $VERSION_CODENAME)"
# It has no image but what it pulls, reads no .env and notes what it was asked.
DOCKER = r"""#!/bin/sh
echo "$* with ${HTTPS_PROXY:-none}" >>"$NOTED"
case "$1 $2" in
"compose --file") sed -n 's/.*:-\([^}]*\).*/\1/p' ;;
"image inspect") [ "$3" = "$HERE" ] ;;
"manifest inspect") exit "$ASKED" ;;
"pull --quiet") [ "$PULLED" = yes ] || { printf 'pulling\n%s\n' "$PULLED" >&2; exit 1; } ;;
esac
"""
SETTINGS = {"HERE": "", "ASKED": "1", "PULLED": "yes", "OPS_LANG": "en"}
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def scripted(folder: Path, script: str, *, apt: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
    """A line of shell after lib.sh, with an engine, an apt and a timeout that only play."""
    for name, body in {"docker": DOCKER, "apt-get": apt, "timeout": 'shift; exec "$@"\n'}.items():
        (folder / name).write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}")
        (folder / name).chmod(0o755)
    quiet = {name: value for name, value in os.environ.items() if name.lower() not in (*PROXIES, "debian_mirror")}
    return subprocess.run(
        ["sh", "-euc", script, "scripts/x"],
        cwd=ROOT,
        env=quiet | {"PATH": f"{folder}:{os.environ['PATH']}", "NOTED": str(folder / "noted"), **SETTINGS, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def offers(uri: str, origin: str = "Debian") -> str:
    return f'[ "$1" = update ] || echo "{uri} {CODENAME} main {origin}"\n'


@pytest.mark.parametrize(("asked", "pulled"), [("0", "yes"), ("1", "yes")])
def test_an_engine_that_pulls_is_believed_whatever_its_client_could_see(
    asked: str, pulled: str, tmp_path: Path
) -> None:
    """The engine may have a proxy of its own, a mirror, or a registry that it trusts without TLS."""
    done = scripted(tmp_path, "scripts/base-image.sh", ASKED=asked, PULLED=pulled)
    assert done.returncode == 0, done.stderr
    images = ["PYTHON_IMAGE=python:3.13-slim-trixie", "POSTGRES_IMAGE=postgres:17-trixie", "CADDY_IMAGE=caddy:2"]
    assert done.stdout.splitlines() == images


def test_a_network_that_swallows_what_is_asked_is_not_pulled_from(tmp_path: Path) -> None:
    """That would hang for minutes."""
    done = scripted(tmp_path, "scripts/base-image.sh", ASKED="124", HERE="prosaas-standin/python:3.13-slim-trixie")
    assert done.returncode == 0, done.stderr
    assert "pull --quiet" not in (tmp_path / "noted").read_text()
    assert "POSTGRES_IMAGE=prosaas-standin/postgres:17-trixie" in done.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [("124", "no image registry answers"), ("1", "toomanyrequests: You have reached your pull rate limit")],
)
def test_why_an_image_is_made_in_place_of_one_that_is_pulled_is_told_as_the_engine_has_it(
    asked: str, said: str, tmp_path: Path
) -> None:
    """A registry that answers, or a full disk, is not told of as a network without one: what is made then stays."""
    done = scripted(
        tmp_path, "scripts/base-image.sh", ASKED=asked, PULLED=said, HERE="prosaas-standin/python:3.13-slim-trixie"
    )
    assert done.returncode == 0, done.stderr
    assert f"==> caddy:2 cannot be pulled ({said}): making prosaas-standin/caddy:2 from" in done.stderr


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_a_proxy_is_told_to_each_build_by_name_whichever_letters_this_machine_has_it_in(
    name: str, tmp_path: Path
) -> None:
    """Its password stays out of the list of processes."""
    proxy = {name: "http://dana:secret@proxy.example.com:3128"}
    done = scripted(
        tmp_path, "scripts/base-image.sh", PULLED="no", HERE="prosaas-standin/python:3.13-slim-trixie", **proxy
    )
    assert done.returncode == 0, done.stderr
    builds = [line for line in (tmp_path / "noted").read_text().splitlines() if line.startswith("build ")]
    assert len(builds) == 2
    for line in builds:
        asked, _, seen = line.partition(" with ")
        assert " --build-arg HTTPS_PROXY " in asked
        assert "secret@" not in asked
        assert seen == proxy[name]


def test_apt_and_builds_both_find_the_proxy_and_without_one_nobody_does(tmp_path: Path) -> None:
    show = '. scripts/lib.sh; echo "[${https_proxy-} ${HTTPS_PROXY-} ${http_proxy-}]"'
    assert scripted(tmp_path, show).stdout == "[  ]\n"
    assert scripted(tmp_path, show, https_proxy="a").stdout == "[a a ]\n"
    assert scripted(tmp_path, show, HTTPS_PROXY="A").stdout == "[A A ]\n"
    assert scripted(tmp_path, show, https_proxy="a", HTTPS_PROXY="A").stdout == "[a A ]\n"


def test_no_image_keeps_the_password_that_this_machine_s_apt_has_for_its_proxy(tmp_path: Path) -> None:
    """A stand-in is made through that proxy, and what is built on it is pushed to registries."""
    root = tmp_path / "root/etc/apt/apt.conf.d"
    root.mkdir(parents=True)
    for name, body in {
        "id": "echo 0",
        "apt-config": """echo 'Acquire::http::Proxy "http://dana:secret@proxy:3128";'""",
        "mmdebstrap": f"""
            for word; do case $word in --aptopt=*) cat "${{word#*=}}" >{root}/99mmdebstrap ;; esac; done
            cp {root}/99mmdebstrap {tmp_path}/used
            mkdir -p {tmp_path}/root/usr/bin
            for word; do case $word in --customize-hook=*) sh -c "${{word#*=}}" exec {tmp_path}/root ;; esac; done
        """,
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    done = scripted(tmp_path, "scripts/base-image.sh", apt=offers("http://d.example/"), PULLED="no")
    assert done.returncode == 0, done.stderr
    assert "secret" in (tmp_path / "used").read_text()
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file() and "secret" in path.read_text()]
    builds = [line for line in (tmp_path / "noted").read_text().splitlines() if line.startswith("build ")]
    assert len(builds) == 2
    assert all("--secret id=apt,env=APT_SETTINGS" in line and "secret@" not in line for line in builds)


def test_every_build_that_installs_packages_takes_apts_settings_for_as_long_as_it_does() -> None:
    installing = [
        step
        for path in (ROOT / "services/Dockerfile", *ROOT.glob("deploy/standins/*/Dockerfile"))
        for step in re.findall(r"^RUN .*\n(?:[ #].*\n)*", path.read_text(), re.MULTILINE)
        if "apt-get" in step
    ]
    assert len(installing) == 5
    assert all("--mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/98host" in step for step in installing)


def test_of_a_cloud_images_list_of_mirrors_the_first_is_meant(tmp_path: Path) -> None:
    """apt shows the list by its path, which leads nowhere in an image that is made of it."""
    (tmp_path / "debian.list").write_text("# mirrors\nhttps://first.example/deb\tpriority:1\nhttps://second.example/\n")
    done = scripted(tmp_path, ". scripts/lib.sh; debian_mirror", apt=offers(f"mirror+file:{tmp_path}/debian.list/"))
    assert done.stdout == "https://first.example/deb\n"
    done = scripted(tmp_path, ". scripts/lib.sh; debian_mirror", apt=offers("https://own.example/deb/"))
    assert done.stdout == "https://own.example/deb/\n"


def test_another_distributions_mirror_is_none_of_debians(tmp_path: Path) -> None:
    """Ubuntu's has no trixie: who has no registry either is told what to set, and no installer fails in the middle."""
    done = scripted(tmp_path, ". scripts/lib.sh; debian_mirror", apt=offers("http://u.example/", "Ubuntu"))
    assert (done.returncode, done.stdout) == (0, "")
    done = scripted(
        tmp_path, ". scripts/lib.sh; debian_mirror", apt=offers("http://u.example/", "Ubuntu"), DEBIAN_MIRROR="x"
    )
    assert done.stdout == "x"
