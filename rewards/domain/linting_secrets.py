"""What a program reads although it is sensitive: nobody is paid for their health or their e-mail address."""

from __future__ import annotations

from collections.abc import Iterator

from crm.domain.hidden_values import Hidden
from rewards.domain.findings import Finding, Reason, Severity
from rewards.domain.free_values import readers
from rewards.domain.programs import Revision


def secrets(revision: Revision, hidden: Hidden) -> Iterator[Finding]:
    """Yield an error for each rule and challenge that names sensitive attributes or properties."""
    for reader in readers(revision) if hidden else ():
        if names := {value.name for value in hidden.among(reader.values)}:
            read = {"values": sorted(names)}
            yield Finding(Severity.ERROR, Reason.READS_SENSITIVE, reader.pointer, reader.key, read)
