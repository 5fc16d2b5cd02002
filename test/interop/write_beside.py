"""Works on a table with delta-rs while its pipeline runs, and prints what it did as one JSON object.

Usage: write_beside.py TABLE_URI ROUNDS
Each round compacts, sorts by z-order, vacuums, deletes the rows of photo 3 * round and labels those of photo 3 * round + 1
by a merge. Endpoint and credentials come from S3_ENDPOINT, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY. What is in conflict
with a commit of the pipeline is tried again, as its documentation asks. Predicates name whole paths: the statistics of the
pipeline's new files show then that they have nothing to do with it; with LIKE each of its commits is a conflict.
"""

import json
import os
import sys

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

ATTEMPTS_MAX = 50


def main(uri, rounds):
    counts = {"conflicts": 0, "files_compacted": 0, "files_sorted": 0, "rows_deleted": 0, "rows_merged": 0}
    for number in range(rounds):
        done = apply(uri, counts, lambda table: table.optimize.compact())
        counts["files_compacted"] += done["numFilesRemoved"]
        done = apply(uri, counts, lambda table: table.optimize.z_order(["path"]))
        counts["files_sorted"] += done["numFilesRemoved"]
        apply(uri, counts, lambda table: table.vacuum(dry_run=False))
        doomed, labelled = (path_of(uri, 3 * number + step) for step in (0, 1))
        done = apply(uri, counts, lambda table: table.delete(f"path = '{doomed}'"))
        counts["rows_deleted"] += done["num_deleted_rows"]
        done = apply(uri, counts, lambda table: label(table, labelled))
        counts["rows_merged"] += done["num_target_rows_updated"]
    counts["checkpoint"] = DeltaTable(uri, storage_options=options()).version()
    DeltaTable(uri, storage_options=options()).create_checkpoint()
    print(json.dumps(counts))


def apply(uri, counts, operation):
    for _ in range(ATTEMPTS_MAX):
        try:
            return operation(DeltaTable(uri, storage_options=options()))
        except CommitFailedError:
            counts["conflicts"] += 1
    raise RuntimeError(f"in conflict {ATTEMPTS_MAX} times")


def label(table, path):
    source = pa.table({"path": [path], "label": ["merged"]})
    predicate = f"t.path = s.path AND t.path = '{path}'"
    merge = table.merge(source, predicate=predicate, source_alias="s", target_alias="t")
    return merge.when_matched_update({"label": "s.label"}).execute()


def path_of(uri, photo):
    paths = DeltaTable(uri, storage_options=options()).to_pyarrow_table(columns=["path"])["path"].to_pylist()
    return next(path for path in paths if path.endswith(f"/{photo:05}.jpg"))


def options():
    return {
        "AWS_ENDPOINT_URL": os.environ["S3_ENDPOINT"],
        "AWS_ACCESS_KEY_ID": os.environ["S3_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["S3_SECRET_ACCESS_KEY"],
        "AWS_REGION": os.environ.get("S3_REGION", "us-east-1"),
        "AWS_ALLOW_HTTP": "true",
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
