"""The demo: an emulated AWS organisation, built through boto3, for the real collectors to collect.

`EmulatedAws` starts the emulator, `build` fills it. This is the only part of the project that writes to AWS, and it
refuses any endpoint but this machine's.
"""

from collectors.demo.errors import DemoError
from collectors.demo.organisation import DemoOrganisation, build, people_csv
from collectors.demo.server import EmulatedAws
from collectors.demo.write_people import Assignment

__all__ = ["Assignment", "DemoError", "DemoOrganisation", "EmulatedAws", "build", "people_csv"]
