#!/bin/sh
# A fresh machine becomes one that can run the stack; a machine that can is left as it is.
# Usage: setup.sh [prod|dev]
set -eu
here=$(dirname -- "$0")
"$here/engine.sh"
"$here/env-file.sh" "$@"
"$here/base-images.sh"
