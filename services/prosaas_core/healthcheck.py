"""`python -m prosaas_core.healthcheck URL`: silent when the service answers 200, one readable line when it does not."""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3.0


def check(url: str) -> str:
    """What is wrong with the service at `url`; empty when nothing is."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(200).decode(errors='replace').strip()}"
    except (OSError, ValueError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', error)}"
    return "" if status == 200 else f"{url} answered {status}"


def main(arguments: list[str]) -> int:
    """Exit 0 fine, 1 not, 2 wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m prosaas_core.healthcheck URL", file=sys.stderr)
        return 2
    problem = check(arguments[0])
    if problem:
        print(problem)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
