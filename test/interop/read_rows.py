"""Reads the rows of an exported table as other tools do, and prints them by tool as one JSON object.

Usage: read_rows.py FOLDER
"""

import json
import sys

import deltalake
import duckdb
import pyarrow.dataset as ds

from read_table import COLUMNS as COLUMNS_BY_HOUR, plain

# The demo's table has a partition a day.
COLUMNS = [name for name in COLUMNS_BY_HOUR if name != "hour"]


def main(folder):
    scan = f"read_parquet('{folder}/model=*/**/*.parquet', hive_partitioning = true)"
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    files = ds.dataset(folder, format="parquet", partitioning=ds.HivePartitioning.discover(infer_dictionary=False))
    print(json.dumps({
        "delta": plain(deltalake.DeltaTable(folder).to_pyarrow_table(), COLUMNS),
        "duckdb": plain(db.sql(f"SELECT {', '.join(COLUMNS)} FROM {scan}").to_arrow_table(), COLUMNS),
        "pyarrow": plain(files.to_table(columns=COLUMNS), COLUMNS),
    }))


main(*sys.argv[1:])
