"""What keeps a site from starting."""


class LaunchError(Exception):
    """The site cannot start. The message is one line for the person at the terminal, with what to do."""
