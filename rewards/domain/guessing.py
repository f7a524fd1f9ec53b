"""Who guesses codes and what they tried, without keeping anybody's address or name in clear."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# What the shop sends may be an address with its port.
_WITH_PORT: Final = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<four>\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?")
_CODE: Final = re.compile(r"[A-Z0-9_-]{1,60}")
_NUMBER: Final = re.compile(r"[0-9_-]{7,}")
_MASK: Final = "•••"


def normalised_client(text: str) -> str:
    """Return one spelling of a shopper's session or address.

    An address of version 6 is its network of 64 bits, all of which one connection has to itself.
    """
    spelled = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    found = _WITH_PORT.fullmatch(spelled)
    bare = (found["six"] or found["four"]) if found else spelled
    try:
        return _network(ip_address(bare))
    except ValueError:
        return spelled


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))


def shown_code(code: str) -> str:
    """Return a tried code as reviews keep it: what may be an address or a phone number is masked."""
    spelled = code.upper()
    is_code = _CODE.fullmatch(spelled) and not _NUMBER.fullmatch(spelled)
    return spelled if is_code else _MASK
