"""Fitted models on disk, without pickle: arrays as npz, numbers as JSON, estimators through skops."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

LARGEST_BYTES = 512 * 2**20
LARGEST_DOCUMENT = 4 * 2**20
# What our own estimators contain beyond the types skops trusts by itself; anything else refuses to load.
TRUSTED_TYPES = frozenset(
    {
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    }
)


class ArtefactTooLarge(ValueError):
    """The model exceeds the size an artefact may have."""


class ArtefactDamaged(ValueError):
    """The file is not what was stored, or holds types that nobody vouches for."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """Where a model was stored and how to recognise it."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What an artefact holds."""

    document: dict[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    estimators: Mapping[str, Any] = field(default_factory=dict)


def save(directory: Path, contents: Contents, *, largest_bytes: int = LARGEST_BYTES) -> Artefact:
    """Write one file named after its own SHA-256.

    Raises ArtefactTooLarge beyond `largest_bytes`; TypeError or ValueError for what JSON and npz cannot hold.
    """
    packed = _packed(contents)
    if len(packed) > largest_bytes:
        raise ArtefactTooLarge(f"{len(packed)} bytes, allowed are {largest_bytes}")
    digest = hashlib.sha256(packed).hexdigest()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{digest}.zip"
    # Written aside and renamed: a reader never sees half a file.
    partial = path.with_suffix(".partial")
    partial.write_bytes(packed)
    partial.replace(path)
    return Artefact(path, digest, len(packed))


def load(path: Path, sha256: str, *, largest_bytes: int = LARGEST_BYTES) -> Contents:
    """Read a stored model; raises ArtefactDamaged unless the bytes have the recorded hash and known types."""
    if path.stat().st_size > largest_bytes:
        raise ArtefactTooLarge(f"{path.name} is larger than {largest_bytes} bytes")
    packed = path.read_bytes()
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ArtefactDamaged(f"{path.name} does not have the recorded SHA-256")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        if sum(entry.file_size for entry in archive.infolist()) > largest_bytes:
            raise ArtefactTooLarge(f"{path.name} unpacks to more than {largest_bytes} bytes")
        document = json.loads(archive.read("document.json"))
        arrays = _read_arrays(archive.read("arrays.npz")) if "arrays.npz" in names else {}
        estimators = {
            name.removesuffix(".skops"): _read_estimator(archive.read(name))
            for name in names
            if name.endswith(".skops")
        }
    return Contents(document, arrays, estimators)


def _packed(contents: Contents) -> bytes:
    document = json.dumps(contents.document, sort_keys=True, allow_nan=False).encode()
    if len(document) > LARGEST_DOCUMENT:
        raise ArtefactTooLarge("numbers in bulk belong into arrays")
    parts = {"document.json": document}
    if contents.arrays:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **dict(contents.arrays))
        parts["arrays.npz"] = buffer.getvalue()
    parts |= {f"{name}.skops": _written_estimator(model) for name, model in contents.estimators.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _read_arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _written_estimator(model: Any) -> bytes:
    from skops import io as skops_io

    data: bytes = skops_io.dumps(model)
    return data


def _read_estimator(data: bytes) -> Any:
    from skops import io as skops_io

    unknown = set(skops_io.get_untrusted_types(data=data)) - TRUSTED_TYPES
    if unknown:
        raise ArtefactDamaged(f"types nobody vouches for: {', '.join(sorted(unknown))}")
    return skops_io.loads(data, trusted=sorted(TRUSTED_TYPES))
