# Follows the snippet of docs/table.md, whose names it uses: projects every row again and compares.
import sys

from deltalake import DeltaTable

folder = sys.argv[1]
rows = DeltaTable(folder).to_pyarrow_table().to_pylist()
largest = 0.0
for row in rows:
    path = f"{folder}/_fruitstream/bases/model={row['model']}/run={row['run']}/{row['pca_version']:06d}.json"
    projected = project([row["features"]], *load_basis(path))[0]
    stored = np.array(row["pca_features"], dtype="f4")
    largest = max(largest, float(np.abs(projected - stored).max() / np.abs(stored).max()))
print(json.dumps({"rows": len(rows), "components": len(stored), "largestDifference": largest}))
