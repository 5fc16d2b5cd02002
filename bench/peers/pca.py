"""
scikit-learn's PCA and IncrementalPCA over vectors, and how far a basis computed elsewhere is from the former.
Arguments: file of float32 vectors, dimensions, file of a basis (JSON: components, explainedVariance). Prints JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA

BATCH_ROWS = 200
vectors_path, dimensions, basis_path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
vectors = np.fromfile(vectors_path, dtype="<f4").reshape(-1, dimensions).astype(np.float64)
basis = json.loads(Path(basis_path).read_text())
components = np.array(basis["components"]).reshape(-1, dimensions)
k = len(components)


def timed(estimator):
    started_at = time.monotonic()
    estimator.fit(vectors)
    return time.monotonic() - started_at


def difference(other_components: np.ndarray, other_variance: np.ndarray) -> dict:
    """The largest relative error of a component's variance, and the cosine of the largest angle of the subspaces."""
    errors = np.abs(other_variance - batch.explained_variance_) / batch.explained_variance_
    cosines = np.linalg.svd(batch.components_ @ other_components.T, compute_uv=False)
    return {"varianceError": float(errors.max()), "subspaceCosine": float(cosines.min())}


batch = PCA(n_components=k, svd_solver="full")
incremental = IncrementalPCA(n_components=k, batch_size=BATCH_ROWS)
batch_seconds, incremental_seconds = timed(batch), timed(incremental)
print(
    json.dumps(
        {
            "batchSeconds": batch_seconds,
            "incrementalSeconds": incremental_seconds,
            "incremental": difference(incremental.components_, incremental.explained_variance_),
            "ours": difference(components, np.array(basis["explainedVariance"])),
        }
    )
)
