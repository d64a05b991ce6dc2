"""`python -m fuzz.covered TARGET …`: one target under Atheris; the other words are libFuzzer's."""

import sys

import atheris

with atheris.instrument_imports(
    include=["prosaas_logging", "prosaas_calls", "prosaas_api", "prosaas_core", "prosaas_ops"]
):
    from fuzz.running import target

    module = target(sys.argv[1])


def one(data: bytes) -> None:
    """Instrumented code is several times slower, so that time is judged by hypothesis; here it need only end well."""
    module.check(data)


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()
