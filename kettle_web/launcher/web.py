"""One web server process: uvicorn on the socket that the launcher holds.

``python -m kettle_web.launcher.web --fd N``. Several may share one socket; the kernel deals out the connections.
"""

import argparse
import os
import socket
from typing import Final

import uvicorn

GRACE_SECONDS: Final = 2
"""Live streams never end by themselves: a stop waits this long for ordinary answers, then cuts."""
KEEP_ALIVE_SECONDS: Final = 30


def main() -> None:
    parser = argparse.ArgumentParser(description="One web server process of Kettle Web.")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the listening socket")
    listener = socket.socket(fileno=parser.parse_args().fd)
    config = uvicorn.Config(
        "kettle_web.asgi:application",
        lifespan="off",
        server_header=False,
        # An access log would keep the tokens of share links, which are in the path.
        access_log=False,
        # The format and the level are those of the settings.
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # Without a proxy, whoever runs beside us could name any address as its own and slip past the throttling of sign-ins.
        proxy_headers=os.environ.get("PUBLIC_URL", "").startswith("https://"),
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
