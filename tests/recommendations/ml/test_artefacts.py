from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from recommendations.ml.artefacts import ArtefactDamaged, ArtefactTooLarge, Contents, load, save
from recommendations.ml.churn import ChurnModel


class Stranger(BaseEstimator):
    def __init__(self) -> None:
        self.value = 3


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    values = np.random.default_rng(0).gamma(2.0, 30.0, (300, 3))
    model = ChurnModel().fit(values, values[:, 0] > 50)
    contents = Contents(
        {"k": 4, "names": ["a"]},
        {"centres": np.arange(6.0).reshape(2, 3)},
        {"linear": model.linear_, "boosted": model.boosted_},
    )
    stored = save(tmp_path / "new", contents)
    assert stored.path.name == f"{stored.sha256}.zip"
    assert stored.size_bytes == stored.path.stat().st_size
    found = load(stored.path, stored.sha256)
    assert found.document == {"k": 4, "names": ["a"]}
    assert found.arrays["centres"].tolist() == [[0, 1, 2], [3, 4, 5]]
    for name, original in contents.estimators.items():
        assert np.array_equal(found.estimators[name].predict_proba(values), original.predict_proba(values))
    assert [path.suffix for path in stored.path.parent.iterdir()] == [".zip"]


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    stored = save(tmp_path, Contents({"k": 4}))
    changed = bytearray(stored.path.read_bytes())
    changed[40] ^= 1
    stored.path.write_bytes(changed)
    with pytest.raises(ArtefactDamaged, match="SHA-256"):
        load(stored.path, stored.sha256)


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        save(tmp_path, Contents({}, {"objects": np.array([{}, []], dtype=object)}))
    with pytest.raises(TypeError):
        save(tmp_path, Contents({"object": object()}))
    assert list(tmp_path.iterdir()) == []


def test_a_pickled_array_is_refused_when_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, objects=np.array([{}], dtype=object))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("document.json", "{}")
        archive.writestr("arrays.npz", buffer.getvalue())
    import hashlib

    path = tmp_path / "planted.zip"
    path.write_bytes(packed.getvalue())
    with pytest.raises(ValueError, match="allow_pickle"):
        load(path, hashlib.sha256(packed.getvalue()).hexdigest())


def test_types_nobody_vouches_for_are_refused(tmp_path: Path) -> None:
    stored = save(tmp_path, Contents({}, {}, {"stranger": Stranger()}))
    with pytest.raises(ArtefactDamaged, match="Stranger"):
        load(stored.path, stored.sha256)


def test_size_is_capped_both_ways(tmp_path: Path) -> None:
    large = Contents({}, {"zeros": np.zeros(10_000)})
    with pytest.raises(ArtefactTooLarge):
        save(tmp_path, large, largest_bytes=1_000)
    stored = save(tmp_path, large)
    with pytest.raises(ArtefactTooLarge):
        load(stored.path, stored.sha256, largest_bytes=1_000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("document.json", "{}")
        archive.writestr("arrays.npz", bytes(1_000_000))
    import hashlib

    with pytest.raises(ArtefactTooLarge, match="unpacks"):
        load(bomb, hashlib.sha256(bomb.read_bytes()).hexdigest(), largest_bytes=100_000)


def test_nan_does_not_become_invalid_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path, Contents({"auc": float("nan")}))
