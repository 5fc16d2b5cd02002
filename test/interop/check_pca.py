"""Holds a table's column pca_features against scikit-learn's PCA of its features: `check_pca.py TABLE`."""
import json
import sys

import numpy as np
from deltalake import DeltaTable
from sklearn.decomposition import PCA

rows = DeltaTable(sys.argv[1]).to_pyarrow_table(columns=["features", "pca_features", "pca_version"])
features = np.array(rows["features"].to_pylist(), dtype="f8")
column = np.array(rows["pca_features"].to_pylist(), dtype="f8")
expected = PCA(column.shape[1], svd_solver="full").fit_transform(features)
signs = np.sign((expected * column).sum(axis=0))
difference = np.abs(column * signs - expected).max() / np.abs(expected).max()
versions = sorted(set(rows["pca_version"].to_pylist()))
print(json.dumps({"rows": len(column), "components": column.shape[1], "versions": versions, "largestDifference": float(difference)}))
