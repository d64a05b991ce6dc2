#!/bin/sh
# Makes /opt/venv from a hash-locked list: wheels only, compiled to bytecode, without pip.
set -eu
if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi
export UV_LINK_MODE=copy
/opt/installer/bin/uv venv --quiet --python "$(command -v python3)" /opt/venv
/opt/installer/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes --only-binary :all: \
    --compile-bytecode -r "$1"
