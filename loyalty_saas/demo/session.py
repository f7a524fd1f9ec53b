"""One run of the demonstration, from running servers to a served product."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from rich.console import Console

from crm.services import partitions
from loyalty_saas.demo import credentials as credentials_store
from loyalty_saas.demo import journey_grocer, sandbox_shop
from loyalty_saas.demo.credentials import Credentials
from loyalty_saas.demo.programs import publish_grocer, publish_sandbox
from loyalty_saas.demo.progress import StageBars
from loyalty_saas.demo.segments import GROCER_SEGMENTS, SANDBOX_SEGMENTS, create_missing
from loyalty_saas.demo.stages import Pipeline, StageFailed, Track
from loyalty_saas.demo.summary import SignIn, Summary, busy_seconds, report_stages
from loyalty_saas.demo.tenants import admit_people, ensure_api_key, open_tenants
from loyalty_saas.demo.totals import count_rows
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.product import beat_program, web_program, worker_pools, worker_program
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.services import jobs

_POLL_SECONDS = 0.2
_STAGE_FAILED = 1


@dataclass(slots=True)
class Session:
    """Everything a run holds on to."""

    supervisor: Supervisor
    console: Console
    credentials: Credentials
    port: int
    began: float

    def run(self, *, is_served: bool) -> int:
        """Prepare, run the pipeline, report, serve; return the exit status."""
        self._prepare_database()
        since = timezone.now()
        grocer, sandbox = open_tenants(by=SYSTEM, at=since)
        publish_grocer(grocer, by=SYSTEM, at=since)
        publish_sandbox(sandbox, by=SYSTEM, at=since)
        create_missing(grocer, GROCER_SEGMENTS, by=SYSTEM, at=since)
        create_missing(sandbox, SANDBOX_SEGMENTS, by=SYSTEM, at=since)
        sign_ins = admit_people(self.credentials.password, by=SYSTEM, at=since)
        self.credentials = ensure_api_key(grocer, self.credentials, by=SYSTEM, at=since)
        credentials_store.save(self.credentials, self.supervisor.directory / "credentials.json")
        tracks = self._tracks(grocer, sandbox)
        # Our workers are not up yet, so whatever is said to be running lost its worker.
        jobs.sweep(at=since, resend_after=timedelta(0), lost_after=timedelta(0))
        self._start_workers()
        start_seconds = time.monotonic() - self.began
        with StageBars(self.console) as bars:
            pipeline = Pipeline(tracks, SYSTEM, since, bars)
            try:
                self._run_pipeline(pipeline)
            except StageFailed as failure:
                return self._report_failure(failure)
        self._report(pipeline, sign_ins, grocer, start_seconds)
        return self._serve() if is_served else 0

    def _prepare_database(self) -> None:
        if os.environ.get("DATABASE_ADMIN_URL"):
            call_command("bootstrap_database", verbosity=0, stdout=StringIO())
        call_command("migrate", database="owner", verbosity=0, interactive=False)
        # Two tenants that write the events of one new month at once would wait for each other.
        today = timezone.now().date()
        partitions.ensure(first=journey_grocer.YEAR[0], last=journey_grocer.YEAR[1])
        partitions.ensure(
            first=today - timedelta(days=366), last=today + timedelta(days=partitions.MONTHS_AHEAD_DAYS)
        )

    def _tracks(self, grocer: Tenant, sandbox: Tenant) -> list[Track]:
        inbox = self.supervisor.directory / "inbox"
        inbox.mkdir(exist_ok=True)
        return [
            Track(grocer, journey_grocer.stages(inbox)),
            Track(sandbox, sandbox_shop.stages(inbox)),
        ]

    def _start_workers(self) -> None:
        home = self.supervisor.directory
        pools = worker_pools(settings.QUEUE_SHARDS, os.cpu_count() or 2)
        workers = [worker_program(pool, {}, home / "run") for pool in pools]
        self.supervisor.start(*workers, beat_program({}, home / "beat-schedule"))

    def _run_pipeline(self, pipeline: Pipeline) -> None:
        while not pipeline.advance(timezone.now()):
            self.supervisor.check()
            time.sleep(_POLL_SECONDS)

    def _report_failure(self, failure: StageFailed) -> int:
        self.console.print(str(failure), style="red", highlight=False)
        self.console.print(failure.job.error, highlight=False, markup=False)
        self.console.print(f"The logs of the workers are in {self.supervisor.directory / 'log'}")
        return _STAGE_FAILED

    def _report(self, pipeline: Pipeline, sign_ins: list[SignIn], grocer: Tenant, start_s: float) -> None:
        outcome = pipeline.outcome()
        url = f"http://127.0.0.1:{self.port}"
        key = self.credentials.api_key
        summary = Summary(
            pipeline_s=busy_seconds(outcome),
            start_s=round(start_s, 3),
            stages=report_stages(outcome),
            totals={track.tenant.name: count_rows(track.tenant) for track in pipeline.tracks},
            known_truth=sandbox_shop.known_truth(self.supervisor.directory / "inbox"),
            sign_in_url=f"{url}/accounts/login/",
            sign_ins=sign_ins,
            api_key=key,
            curl=f"curl -H 'Authorization: Bearer {key}' '{url}/api/v1/customers?limit=3'",
        )
        summary.write(self.supervisor.directory / "summary.json")
        summary.show(self.console)

    def _serve(self) -> int:
        self.supervisor.start(web_program({}, self.port))
        self.console.print(f"\nServing on [bold]http://127.0.0.1:{self.port}[/] until Ctrl-C.")
        try:
            while True:
                self.supervisor.check()
                time.sleep(0.5)
        except KeyboardInterrupt:
            self.console.print("Stopping …")
        return 0
