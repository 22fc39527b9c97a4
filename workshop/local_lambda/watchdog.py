"""Sees to it that no process outlives the lab, however the lab ends.

A frozen environment cannot end itself, and AWS's runtime client would not. So one small shell runs
beside the lab, in a session of its own that no Ctrl-C or closing terminal reaches. It is told of
each process group that begins and ends; when its input ends because the lab is gone, it kills what
is left: the groups, and on Linux also what left its group but still has the environment's address
among its variables.
"""

import contextlib
import subprocess
import threading

from workshop.local_lambda.errors import EnvironmentStartError

_SCRIPT = """
trap '' HUP INT TERM
left=' '
while read -r change group address; do
  case $change in
    +) left="$left$group=$address " ;;
    -) left="${left%% $group=*} ${left#* $group=$address }" ;;
  esac
done
for one in $left; do
  kill -KILL -- "-${one%%=*}"
  for variables in $(grep -lF "AWS_LAMBDA_RUNTIME_API=${one#*=}" /proc/[0-9]*/environ); do
    process=${variables#/proc/}
    kill -KILL "${process%/environ}"
  done
done
"""


class Watchdog:
    """One shell for one LocalLambda; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={"PATH": "/usr/bin:/bin"},
                text=True,
            )
        except OSError as error:
            what = f"/bin/sh could not be started: {error}"
            raise EnvironmentStartError(what) from error

    def begun(self, group: int, address: str) -> None:
        """Watch a process group; `address` is its Runtime API's, unique to it."""
        self._tell(f"+ {group} {address}\n")

    def ended(self, group: int, address: str) -> None:
        """Forget a process group."""
        self._tell(f"- {group} {address}\n")

    def close(self) -> None:
        """End the shell, which kills what it still watches."""
        with self._lock, contextlib.suppress(OSError):
            self._shell.communicate()

    def _tell(self, line: str) -> None:
        stdin = self._shell.stdin
        # A shell that somebody killed is no reason to fail an invocation.
        with self._lock, contextlib.suppress(OSError):
            if stdin is not None:
                stdin.write(line)
                stdin.flush()
