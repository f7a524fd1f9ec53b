"""Run one command beside its own PostgreSQL: python -m loyalty_saas.embedded.run -- pytest."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loyalty_saas.embedded.errors import EmbeddedError
from loyalty_saas.embedded.postgres import EmbeddedPostgres
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.services import product_variables

_CANNOT_START = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Start PostgreSQL, export where it is, run the command, stop the server; return the command's status."""
    options = _parser().parse_args(arguments)
    if os.environ.get("TEST_DATABASE_URL") and not options.product:
        return run_command(options.command, {})
    # As Ctrl-C does: leave through the context manager, which stops the server.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Supervisor(options.directory.resolve()) as supervisor:
            postgres = EmbeddedPostgres(supervisor.directory / "postgres", is_durable=False)
            postgres.prepare()
            supervisor.start(postgres.program())
            variables = product_variables(postgres) if options.product else {}
            return run_command(options.command, {"TEST_DATABASE_URL": postgres.url(), **variables})
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return _CANNOT_START


def run_command(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command in the foreground with some variables more; return its exit status."""
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - the user's own command
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached the command as well: let it finish its own clean-up.
            process.send_signal(signal.SIGINT)
            return process.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loyalty_saas.embedded.run",
        description="Run a command beside a PostgreSQL of its own, named in TEST_DATABASE_URL. "
        "When that is set already, the command runs there and nothing is started.",
    )
    parser.add_argument("--directory", type=Path, default=Path("var/test"), help="where the server lives")
    parser.add_argument("--product", action="store_true", help="start a server anyway; export DATABASE_*_URL")
    parser.add_argument("command", nargs="+", help="after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
