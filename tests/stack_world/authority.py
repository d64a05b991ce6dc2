"""A real ACME server of the tests' own, which sees for itself who has a name: every name leads to this machine."""

import datetime
import ipaddress
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ports import free_port
from stack_world.stack import eventually

# Where containers find this machine: the engine's own bridge.
MACHINE = "172.17.0.1"


@dataclass(frozen=True)
class Authority:
    """Where it is, what its own address is believed by, and what its certificates are."""

    directory: str
    server_root: Path
    issuing_root: Path


@contextmanager
def authority(folder: Path, *, valid_s: int) -> Iterator[Authority]:
    """pebble with its own names server, looking at ports 80 and 443; certificates hold for so many seconds."""
    port, management, names, steering = (free_port() for _ in range(4))
    root = _self_signed(folder)
    config = {
        "listenAddress": f"0.0.0.0:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(root),
        "privateKey": str(folder / "server.key"),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "certificateValidityPeriod": valid_s,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    commands = (
        ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{names}", "-management", f"127.0.0.1:{steering}",
         "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""],
        ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{names}"],
    )  # fmt: skip
    with ExitStack() as running, (folder / "pebble.log").open("w") as log:
        for command in commands:
            environment = {"PATH": "/usr/bin", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            running.callback(process.wait, 10)
            running.callback(process.terminate)
        trusted = ssl.create_default_context(cafile=str(root))

        def issuing() -> str | None:
            try:
                with urllib.request.urlopen(f"https://127.0.0.1:{management}/roots/0", context=trusted) as answer:
                    return str(answer.read().decode())
            except OSError:
                return None

        path = folder / "issuing.pem"
        path.write_text(eventually(issuing, "pebble", 10))
        yield Authority(f"https://{MACHINE}:{port}/dir", root, path)


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests' authority")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", MACHINE)]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    return path
