"""Works on a table with Spark and prints what it saw as one JSON object.

Usage: spark_table.py ACTION TABLE_URI [ACTION TABLE_URI ...]
The action `read` may run at any time; `write` is for closed hours, when no reducer runs, since Spark's own log store asks
first and writes then. Endpoint and credentials come from S3_ENDPOINT, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, jars (delta-spark,
hadoop-aws and what they need) from the folder SPARK_JARS.
"""

import glob
import json
import os
import sys
import tempfile

from pyspark.sql import SparkSession


def main(arguments):
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    for action, uri in zip(arguments[::2], arguments[1::2]):
        seen = {"read": read, "write": write}[action](spark, uri.replace("s3://", "s3a://"))
        print(json.dumps({"action": action, "table": uri, **seen}), flush=True)
    spark.stop()


def read(spark, uri):
    table = f"delta.`{uri}`"
    history = spark.sql(f"DESCRIBE HISTORY {table}").collect()
    first = spark.sql(f"SELECT model, run, dt FROM {table} LIMIT 1").collect()[0]
    where = f"model = '{first.model}' AND run = '{first.run}' AND dt = DATE'{first.dt}'"
    version = history[0].version
    return {
        "spark": spark.version,
        "version": version,
        "paths": sorted(row.path for row in spark.sql(f"SELECT path FROM {table}").collect()),
        "dimensions": spark.sql(f"SELECT DISTINCT size(features) AS d FROM {table}").collect()[0].d,
        "rows_of_partition": spark.sql(f"SELECT count(*) AS n FROM {table} WHERE {where}").collect()[0].n,
        "rows_by_version": [
            spark.sql(f"SELECT count(*) AS n FROM {table} VERSION AS OF {at}").collect()[0].n
            for at in range(max(1, version - 3), version + 1)
        ],
        "operations": [row.operation for row in reversed(history)],
        "files": len(spark.sql(f"SELECT DISTINCT _metadata.file_path AS f FROM {table}").collect()),
        "streamed": streamed(spark, uri),
    }


def streamed(spark, uri):
    """Reads the table as a stream, one commit after the other, into a table of its own."""
    with tempfile.TemporaryDirectory() as folder:
        query = (
            spark.readStream.format("delta").option("ignoreChanges", "true").load(uri).select("path")
            .writeStream.format("parquet").option("path", f"{folder}/out").option("checkpointLocation", f"{folder}/state")
            .trigger(availableNow=True).start()
        )
        query.awaitTermination()
        return spark.read.parquet(f"{folder}/out").distinct().count()


def write(spark, uri):
    table = f"delta.`{uri}`"
    rows = lambda: spark.sql(f"SELECT count(*) AS n FROM {table}").collect()[0].n
    before = rows()
    files_before = spark.sql(f"DESCRIBE DETAIL {table}").collect()[0].numFiles
    optimised = spark.sql(f"OPTIMIZE {table}").collect()[0].metrics
    after_optimize = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0].version
    ordered = spark.sql(f"OPTIMIZE {table} ZORDER BY (path)").collect()[0].metrics
    spark.sql(f"VACUUM {table}")
    doomed = spark.sql(f"SELECT path FROM {table} ORDER BY path LIMIT 2").collect()
    spark.sql(f"DELETE FROM {table} WHERE path = '{doomed[0].path}'")
    after_delete = rows()
    kept = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0].version
    spark.sql(f"DELETE FROM {table} WHERE path = '{doomed[1].path}'")
    spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {kept}")
    return {
        "rows_before": before,
        "files_before": files_before,
        "files_compacted": optimised.numFilesRemoved,
        "files_sorted": ordered.numFilesRemoved,
        "version_of_optimize": after_optimize,
        "deleted": doomed[0].path,
        "rows_after_delete": after_delete,
        "rows_after_restore": rows(),
        "version": spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0].version,
    }


def session():
    s3a = {
        "endpoint": os.environ.get("S3_ENDPOINT", ""),
        "access.key": os.environ.get("S3_ACCESS_KEY_ID", ""),
        "secret.key": os.environ.get("S3_SECRET_ACCESS_KEY", ""),
        "endpoint.region": os.environ.get("S3_REGION", "us-east-1"),
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
    }
    builder = (
        SparkSession.builder.master("local[1]").appName("fruitstream")
        .config("spark.jars", ",".join(glob.glob(os.environ["SPARK_JARS"] + "/*.jar")))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "1g").config("spark.ui.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
        .config("spark.sql.shuffle.partitions", "1").config("spark.databricks.delta.snapshotPartitions", "1")
        # A vacuum has 10,000 tasks without this, whatever there is to list.
        .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "4")
        .config("spark.sql.adaptive.enabled", "false").config("spark.sql.codegen.wholeStage", "false")
    )
    for name, value in s3a.items():
        builder = builder.config(f"spark.hadoop.fs.s3a.{name}", value)
    return builder.getOrCreate()


if __name__ == "__main__":
    main(sys.argv[1:])
