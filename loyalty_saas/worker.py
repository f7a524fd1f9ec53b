"""Every worker pool and the beat in one command, for one machine: python -m loyalty_saas.worker."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from loyalty_saas.embedded.errors import EmbeddedError
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.product import beat_program, worker_pools, worker_program

_FAILED = 1


def main() -> int:
    """Run the pools until Ctrl-C or SIGTERM; a pool that dies ends the others and says where its log is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_saas.settings.base")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Supervisor(Path(settings.VAR_DIR) / "worker") as supervisor:
            _run(supervisor)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    except KeyboardInterrupt:
        return 0


def _run(supervisor: Supervisor) -> NoReturn:
    home = supervisor.directory
    pools = worker_pools(settings.QUEUE_SHARDS, os.cpu_count() or 2)
    workers = [worker_program(pool, {}, home / "run") for pool in pools]
    supervisor.start(*workers, beat_program({}, home / "beat-schedule"))
    sys.stdout.write(f"{len(pools)} worker pools and the beat run; their logs are in {home / 'log'}\n")
    while True:
        supervisor.check()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
