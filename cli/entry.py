"""The installed command: Ctrl-C is heard from its first moment, while the commands are still being read."""

from __future__ import annotations

import sys


def main() -> None:
    """As ``cli.main.main``."""
    try:
        from cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("grantmap: interrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
