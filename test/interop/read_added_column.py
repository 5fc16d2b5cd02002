"""Reads a table that got a column after its first files, as other tools do, and prints it by tool as one JSON object.

Usage: read_added_column.py FOLDER
"""

import json
import sys

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

COLUMNS = ["source_offset", "camera_model"]


def main(folder):
    table = deltalake.DeltaTable(folder)
    dataset = table.to_pyarrow_dataset()
    # Tools that don't read the log are told to take the columns of all files together.
    scan = f"read_parquet('{folder}/model=*/**/*.parquet', hive_partitioning = true, union_by_name = true)"
    files = ds.dataset(folder, format="parquet", partitioning=ds.HivePartitioning.discover(infer_dictionary=False))
    schema = pa.unify_schemas([fragment.physical_schema for fragment in files.get_fragments()])
    db = duckdb.connect()
    print(json.dumps({
        "delta": plain(table.to_pyarrow_table()),
        "duckdb": plain(db.sql(f"SELECT {', '.join(COLUMNS)} FROM {scan}").to_arrow_table()),
        "duckdb_over_delta": plain(db.sql("SELECT source_offset, camera_model FROM dataset").to_arrow_table()),
        "pyarrow": plain(files.replace_schema(schema).to_table(columns=COLUMNS)),
        "with_camera": count_where(table, "camera_model IS NOT NULL"),
        "without_camera": count_where(table, "camera_model IS NULL"),
        "camera_1": dataset.count_rows(filter=ds.field("camera_model") == "camera 1"),
        "table_id": str(table.metadata().id),
        "columns": [field.name for field in table.schema().fields],
        "column_type": next(str(field.type.type) for field in table.schema().fields if field.name == "camera_model"),
        "columns_before": [field.name for field in deltalake.DeltaTable(folder, version=1).schema().fields],
        "compacted": compacted(table),
    }))


def count_where(table, condition):
    """By delta-rs' own engine: over to_pyarrow_dataset, deltalake 1.6.6 takes files without the column for not null."""
    query = deltalake.QueryBuilder().register("photos", table)
    return pa.table(query.execute(f"SELECT count(*) AS n FROM photos WHERE {condition}").read_all())["n"][0].as_py()


def compacted(table):
    table.optimize.compact()
    table.create_checkpoint()
    return {"files": len(table.file_uris()), "rows": plain(table.to_pyarrow_table())}


def plain(table):
    rows = table.select(COLUMNS).to_pylist()
    return sorted(([row[name] for name in COLUMNS] for row in rows))


main(*sys.argv[1:])
