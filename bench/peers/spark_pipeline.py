"""
The batch pipeline: photos as binary files, features by a pandas UDF, PCA of MLlib, Parquet.
Arguments: runtime (onnx, tensorflow), model folder, photos folder, output folder. Prints one line of JSON.
"""

import json
import sys
import time
from typing import Iterator

import numpy as np
import pandas as pd
from pyspark.ml.feature import PCA
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql.functions import col, element_at, pandas_udf, split
from pyspark.sql.types import ArrayType, FloatType

from networks import open_network
from spark_session import open_spark

COMPONENTS = 8
runtime, model_folder, photos_folder, output_folder = sys.argv[1:5]


@pandas_udf(ArrayType(FloatType()))
def features_of(contents: Iterator[pd.Series]) -> Iterator[pd.Series]:
    manifest, infer = open_network(runtime, model_folder)
    for batch in contents:
        yield pd.Series(list(infer(np.stack([manifest.read(photo) for photo in batch]))))


spark = open_spark()
started_at = time.monotonic()
photos = (
    spark.read.format("binaryFile")
    .option("recursiveFileLookup", "true")
    .load(photos_folder)
    .select("path", element_at(split("path", "/"), -2).alias("label"), features_of("content").alias("features"))
    .withColumn("vector", array_to_vector(col("features")))
    # Fitting and projecting both need the features; without this they would be computed twice.
    .cache()
)
model = PCA(k=COMPONENTS, inputCol="vector", outputCol="projected").fit(photos)
rows = model.transform(photos).select(
    "path", "label", "features", vector_to_array("projected", "float32").alias("pca_features")
)
rows.write.mode("overwrite").parquet(output_folder)
seconds = time.monotonic() - started_at
written = spark.read.parquet(output_folder).count()
spark.stop()
print(json.dumps({"rows": written, "seconds": seconds}))
