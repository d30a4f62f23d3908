"""The demo's organisation for tests: build it once a session and wrap `running_demo` in a fixture."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.demo import DemoOrganisation, EmulatedAws, build


def running_demo() -> Iterator[tuple[EmulatedAws, DemoOrganisation]]:
    """Yield (running emulator, the organisation built in it) and end the emulator afterwards. About nine seconds."""
    with EmulatedAws() as aws:
        yield aws, build(aws.endpoint_url)
