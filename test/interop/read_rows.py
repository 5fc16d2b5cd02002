"""Reads the rows of an exported table as other tools do, and prints them by tool as one JSON object.

Usage: read_rows.py FOLDER
"""

import json
import sys

import deltalake
import duckdb
import pyarrow.dataset as ds

from read_table import COLUMNS, plain


def main(folder):
    scan = f"read_parquet('{folder}/model=*/**/*.parquet', hive_partitioning = true, hive_types = {{'hour': INTEGER}})"
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    files = ds.dataset(folder, format="parquet", partitioning=ds.HivePartitioning.discover(infer_dictionary=False))
    print(json.dumps({
        "delta": plain(deltalake.DeltaTable(folder).to_pyarrow_table()),
        "duckdb": plain(db.sql(f"SELECT {', '.join(COLUMNS)} FROM {scan}").to_arrow_table()),
        "pyarrow": plain(files.to_table(columns=COLUMNS)),
    }))


main(*sys.argv[1:])
