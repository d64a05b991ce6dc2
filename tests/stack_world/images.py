"""Images for what somebody else's Dockerfile makes, on a machine that may need a certificate authority of its own."""

from pathlib import Path

from bundle_world.checkout import ROOT, Checkout
from stack_world.stack import docker


def python_base(tag: str, context: Path) -> str:
    """The image of Python that this machine has; where its network needs it, one that trusts what this machine does."""
    here = Checkout(ROOT)
    base = (here.setting("PYTHON_IMAGE") if here.env.exists() else "") or "python:3.13-slim-trixie"
    bundle = here.setting("CA_BUNDLE") if here.env.exists() else ""
    return _that_trusts(Path(bundle), base, tag, context) if bundle else base


def _that_trusts(bundle: Path, base: str, tag: str, context: Path) -> str:
    (context / "ca.crt").write_bytes(bundle.read_bytes())
    (context / "Dockerfile").write_text(
        f"FROM {base}\nCOPY ca.crt /ca.crt\nENV PIP_CERT=/ca.crt SSL_CERT_FILE=/ca.crt\n"
        "RUN echo 'Acquire::https::CaInfo \"/ca.crt\";' >/etc/apt/apt.conf.d/99ca\n",
        "utf-8",
    )
    docker("build", "--quiet", f"--tag={tag}", str(context))
    return tag
