"""Names for the array types that the estimators exchange."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]
AnyFloats: TypeAlias = NDArray[Any]


def as_csr(matrix: Any) -> Any:
    """Sorted float32 CSR matrix; `implicit` refuses the newer `csr_array`."""
    csr = sparse.csr_matrix(matrix, dtype=np.float32)
    csr.sum_duplicates()
    return csr
