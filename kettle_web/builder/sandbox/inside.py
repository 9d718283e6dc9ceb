"""The first thing that runs inside the walls of a step with network: it makes the step's way out, then becomes the step.

There is no network in there but a loopback of its own. This program listens on it, hands the listening socket to the
egress proxy outside through a Unix socket, and is gone: what the step's command says to 127.0.0.1 is heard by the proxy.
It is run by its text (`python -I -S -c`), so it needs nothing but the standard library.
"""

import os
import socket
import sys


def main() -> None:
    """Arguments: path of the Unix socket, port to listen on, then the command."""
    path, port, *command = sys.argv[1:]
    listening = socket.create_server(("127.0.0.1", int(port)))
    with socket.socket(socket.AF_UNIX) as way_out:
        way_out.connect(path)
        socket.send_fds(way_out, [b"."], [listening.fileno()])
    os.execvp(command[0], command)  # noqa: S606 - the very point; there is no shell.


if __name__ == "__main__":
    main()
