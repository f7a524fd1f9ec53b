"""The word that stands for a tenant in addresses: what it may be, and one made from the tenant's name."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 63
# Words that a reader would take for the platform itself.
_PLATFORM: Final = """
    about account accounts admin administrator api app assets auth billing console dashboard docs help
    health healthz home i18n internal legal login logout mail me new null official operator operators owner
    platform privacy public readyz root security settings signin signup static status support system team
    tenant tenants terms undefined webhooks www
"""
RESERVED: Final = frozenset(_PLATFORM.split())
_SPELLING: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def is_spelled_well(slug: str) -> bool:
    """Tell whether these are small Latin letters and digits, in groups with single dashes between."""
    return len(slug) <= LONGEST and _SPELLING.fullmatch(slug) is not None


def suggested(name: str) -> str:
    """Return the slug that a name suggests; empty when nothing in it is Latin."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    slug = _OTHER.sub("-", plain.lower()).strip("-")[: LONGEST - 3].strip("-")
    return f"{slug}-1" if slug in RESERVED else slug


def variants(slug: str, count: int) -> list[str]:
    """Return ``slug`` and what it could be instead, best first."""
    return [slug, *(f"{slug}-{number}" for number in range(2, count + 1))]
