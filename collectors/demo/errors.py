"""The demo's one error."""


class DemoError(Exception):
    """The emulator cannot start, cannot be reached, or was pointed at something that is not an emulator."""
