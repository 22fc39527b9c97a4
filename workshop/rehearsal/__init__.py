"""A deployment rehearsed on the laptop: the real SAM CLI against a local emulator of AWS.

reduce      what of the template the emulator cannot hold, left out, with the reasons
emulator    the emulator, as a process that does not outlive us
sam         the SAM CLI, with dummy credentials and nothing of the user's own
account     what the emulated account answers, and what is left in it
rehearsal   the scenes, in order
"""

from workshop.rehearsal.account import Answer
from workshop.rehearsal.reduce import Omission
from workshop.rehearsal.rehearsal import Rehearsal, Scene

__all__ = ["Answer", "Omission", "Rehearsal", "Scene"]
