"""The command line: python -m loyalty_saas.demo [--once] [--port N] [--reset]."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import django
from rich.console import Console

from loyalty_saas.demo import credentials
from loyalty_saas.embedded.errors import EmbeddedError
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.services import brings_broker, brings_database, start_broker, start_database
from loyalty_saas.embedded.sockets import require_free_port

_CHECKOUT = Path(__file__).resolve().parents[2]
_CANNOT_START = 2
_INTERRUPTED = 130
_LOG_WIDTH = 160
# What the supervisor itself keeps in the directory.
_KEPT_BY_RESET = {"lock", "run", "log"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration and return an exit status: 2 when it cannot start, 1 when a stage fails."""
    home = Path(os.environ.get("VAR_DIR") or _CHECKOUT / "var").resolve() / "demo"
    options = _parser().parse_args(arguments)
    console, error_console = Console(), Console(stderr=True)
    if not console.is_terminal:
        # A log has no width; rich would cut its tables at 80.
        console = Console(width=_LOG_WIDTH)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if not options.once:
            require_free_port(options.port)
        with Supervisor(home) as supervisor:
            return _run(supervisor, options, console)
    except EmbeddedError as error:
        error_console.print(str(error), style="red", highlight=False, soft_wrap=True)
        return _CANNOT_START
    except KeyboardInterrupt:
        error_console.print("Stopped before the end. The next run continues from here.")
        return _INTERRUPTED


def _run(supervisor: Supervisor, options: argparse.Namespace, console: Console) -> int:
    began = time.monotonic()
    home = supervisor.directory
    if options.reset:
        _reset(home)
    kept = credentials.load_or_draw(home / "credentials.json")
    console.print("Starting PostgreSQL and Valkey …" if not brings_database(os.environ) else "Starting …")
    database, opened = start_database(supervisor, os.environ)
    for directory in opened:
        console.print(f"Let PostgreSQL's account pass through {directory} (search permission only).")
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "loyalty_saas.settings.base",
            "SECRET_KEY": os.environ.get("SECRET_KEY") or kept.secret_key,
            "VAR_DIR": str(home),
            "JOB_MODULES": "loyalty_saas.demo.jobs",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            **database,
            **start_broker(supervisor, os.environ),
        }
    )
    django.setup()
    from loyalty_saas.demo.session import Session  # noqa: PLC0415 - needs the settings, which need the servers

    return Session(supervisor, console, kept, port=options.port, began=began).run(is_served=not options.once)


def _reset(home: Path) -> None:
    if brings_database(os.environ) or brings_broker(os.environ):
        raise EmbeddedError(
            "--reset deletes the demonstration's own servers. Yours, named in DATABASE_URL or REDIS_URL, "
            "is left alone: drop its database yourself, or unset the variables."
        )
    for path in home.iterdir():
        if path.name in _KEPT_BY_RESET:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo",
        description="Start the product with two demonstration tenants and run the pipeline on their data.",
        usage='make demo ARGS="[--once] [--port N] [--reset]"',
    )
    parser.add_argument("--once", action="store_true", help="end after the summary instead of serving")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="serve on 127.0.0.1:N (8000)")
    parser.add_argument("--reset", action="store_true", help="delete the data of earlier runs first")
    return parser


if __name__ == "__main__":
    sys.exit(main())
