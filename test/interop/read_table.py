"""Reads an exported table as other tools do, and prints what they saw as one JSON object.

Usage: read_table.py FOLDER FOLDER_WITHOUT_OLD_COMMITS
The second folder is the same table after log clean-up: only the checkpoint and later commits are left. It is compacted.
"""

import json
import sys

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

COLUMNS = [
    "model", "run", "dt", "hour", "path", "label", "features", "pca_features", "pca_version", "predictions",
    "photo_etag", "width", "height", "captured_at", "ingested_at", "featurized_at", "source_partition", "source_offset",
    "captured_at_source",
]


def main(folder, cleaned_folder):
    print(json.dumps({
        "delta": read_delta(folder),
        "duckdb": read_duckdb(folder),
        "pyarrow": read_pyarrow(folder),
        "cleaned": read_cleaned(cleaned_folder),
    }))


def read_delta(folder):
    table = deltalake.DeltaTable(folder)
    actions = pa.table(table.get_add_actions(flatten=True))
    dataset = table.to_pyarrow_dataset()
    return {
        "version": table.version(),
        "rows": plain(table.to_pyarrow_table()),
        "schema": json.loads(table.schema().to_json()),
        "partition_columns": table.metadata().partition_columns,
        "protocol": [table.protocol().min_reader_version, table.protocol().min_writer_version],
        "operations": [commit["operation"] for commit in table.history()],
        "offsets": table.transaction_version("offsets live/0"),
        "files": len(table.file_uris()),
        "files_of_hour": len(table.file_uris(file_pruning_predicate="hour = 7")),
        "files_of_run": len(table.file_uris(file_pruning_predicate="run = 'replay 50%'")),
        "files_of_offsets": sum(1 for _ in dataset.get_fragments(filter=ds.field("source_offset") < 100)),
        "files_of_time": sum(1 for _ in dataset.get_fragments(filter=ds.field("captured_at") < first_hour_end())),
        "rows_of_offsets": dataset.count_rows(filter=ds.field("source_offset") < 100),
        "records": pc.sum(actions["num_records"]).as_py(),
        "offset_bounds": [pc.min(actions["min.source_offset"]).as_py(), pc.max(actions["max.source_offset"]).as_py()],
        "rows_of_version_2": deltalake.DeltaTable(folder, version=2).to_pyarrow_table().num_rows,
    }


def read_duckdb(folder):
    # Without its type DuckDB takes "07" for text, because of the leading zero.
    scan = f"read_parquet('{folder}/model=*/**/*.parquet', hive_partitioning = true, hive_types = {{'hour': INTEGER}})"
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    plan = db.sql(f"EXPLAIN ANALYZE SELECT sum(width) FROM {scan} WHERE hour = 7").fetchall()
    return {
        "rows": plain(db.sql(f"SELECT {', '.join(COLUMNS)} FROM {scan}").to_arrow_table()),
        "types": {name: kind for name, kind, *_ in db.sql(f"DESCRIBE SELECT * FROM {scan}").fetchall()},
        "plan_of_hour": "\n".join(text for _, text in plan),
    }


def read_pyarrow(folder):
    dataset = ds.dataset(folder, format="parquet", partitioning=ds.HivePartitioning.discover(infer_dictionary=False))
    row_groups = [
        group for fragment in dataset.get_fragments()
        for group in fragment.split_by_row_group(filter=ds.field("source_offset") < 100)
    ]
    return {
        "rows": plain(dataset.to_table(columns=COLUMNS)),
        "types": {field.name: str(field.type) for field in dataset.schema},
        "files": len(dataset.files),
        "files_of_hour": sum(1 for _ in dataset.get_fragments(filter=ds.field("hour") == 7)),
        "row_groups_of_offsets": len(row_groups),
    }


def read_cleaned(folder):
    table = deltalake.DeltaTable(folder)
    seen = {"version": table.version(), "rows": plain(table.to_pyarrow_table()),
            "offsets": table.transaction_version("offsets live/0")}
    table.optimize.compact()
    table.create_checkpoint()
    return seen | {"compacted_version": table.version(), "compacted_files": len(table.file_uris())}


def first_hour_end():
    import datetime
    return pa.scalar(datetime.datetime(2026, 3, 1, 7, tzinfo=datetime.timezone.utc), pa.timestamp("us", "UTC"))


def plain(table, columns=COLUMNS):
    """Rows in the order of their source positions; times in milliseconds, dates as text."""
    rows = table.select(columns).to_pylist()
    for row in rows:
        row["dt"] = str(row["dt"])
        for name in ("captured_at", "ingested_at", "featurized_at"):
            row[name] = round(row[name].timestamp() * 1000)
    return sorted(rows, key=lambda row: (row["model"], row["run"], row["source_offset"], row["source_partition"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
