"""The server's process: Streamlit with the shipped configuration, which ends when the one that started it does.

``python -m ui.server PORT [OPTION…]`` is started by ``grantmap ui`` with a pipe as standard input. The pipe closes
when its other end dies, however it dies, so no server is left behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

MAIN = Path(__file__).parent / "main.py"
#: Seconds that Streamlit is given to close its connections.
_GRACE = 3


def _end_with_starter() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serves until it is told to stop."""
    from streamlit.web.cli import main as streamlit

    threading.Thread(target=_end_with_starter, daemon=True).start()
    port, *options = arguments
    sys.argv = ["streamlit", "run", str(MAIN), f"--server.port={port}", "--server.address=127.0.0.1", *options]
    streamlit()


if __name__ == "__main__":
    main(sys.argv[1:])
