"""Identities as salted hashes: enough to recognise one that was erased, not to read it back."""

from __future__ import annotations

from hashlib import sha256


def digest(salt: str, kind: str, value: str) -> str:
    """Return the tenant's hash of one spelled identity.

    The salt is secret to the tenant and differs between tenants, so that a list of all phone numbers hashed
    once does not open every tenant's tombstones.
    """
    return sha256(f"{salt}:{kind}:{value}".encode()).hexdigest()
