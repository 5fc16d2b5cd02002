"""
One network in three ways: a pandas UDF and a plain Python UDF of Spark on two cores, and a plain loop in one process.
Arguments: runtime, model folder, photos folder, side of the input (0 for the model's own), counts separated by commas.
Prints one line of JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Iterator

import numpy as np
import pandas as pd
from pyspark.sql.functions import pandas_udf, udf
from pyspark.sql.types import ArrayType, FloatType

from manifest import photo_paths
from networks import open_network
from spark_session import open_spark

runtime, model_folder, photos_folder = sys.argv[1:4]
side = int(sys.argv[4])
counts = [int(count) for count in sys.argv[5].split(",")]
WARM_UP_PHOTOS = 16


@pandas_udf(ArrayType(FloatType()))
def by_pandas_udf(contents: Iterator[pd.Series]) -> Iterator[pd.Series]:
    manifest, infer = open_network(runtime, model_folder, side)
    for batch in contents:
        yield pd.Series(list(infer(np.stack([manifest.read(photo) for photo in batch]))))


@udf(ArrayType(FloatType()))
def by_python_udf(content: bytes) -> list[float]:
    manifest, infer = open_network(runtime, model_folder, side)
    return infer(manifest.read(bytes(content))[np.newaxis])[0].tolist()


def by_loop(paths: list[Path]) -> None:
    manifest, infer = open_network(runtime, model_folder, side)
    for path in paths:
        infer(manifest.read(path.read_bytes())[np.newaxis])


def by_spark(features_of, paths: list[Path]) -> None:
    photos = spark.read.format("binaryFile").load([str(path) for path in paths]).repartition(4)
    photos.select(features_of("content").alias("features")).write.format("noop").mode("overwrite").save()


def seconds_of(work) -> float:
    started_at = time.monotonic()
    work()
    return time.monotonic() - started_at


spark = open_spark()
paths = photo_paths(photos_folder)
ways = {
    "pandas UDF": lambda some: by_spark(by_pandas_udf, some),
    "Python UDF": lambda some: by_spark(by_python_udf, some),
    "Python loop": by_loop,
}
for work in ways.values():
    work(paths[:WARM_UP_PHOTOS])
results = [
    {"count": count, "way": way, "seconds": seconds_of(lambda: work(paths[:count]))}
    for count in counts
    for way, work in ways.items()
]
spark.stop()
print(json.dumps(results))
