"""
ONNX Runtime and Pillow in as many processes as cores, on local files: nothing is fetched, sent, stored or reduced.
Arguments: model folder, photos folder, processes, photos in all (the folder's again and again). One line of JSON.
"""

import json
import multiprocessing
import sys
import time
from itertools import cycle, islice

import numpy as np

from manifest import photo_paths
from networks import open_network

BATCH_PHOTOS = 4
model_folder, photos_folder = sys.argv[1:3]
processes, count = int(sys.argv[3]), int(sys.argv[4])


def featurize(paths: list, barrier) -> None:
    manifest, infer = open_network("onnx", model_folder)

    def run(batch: list) -> None:
        infer(np.stack([manifest.read(path.read_bytes()) for path in batch]))

    run(paths[:BATCH_PHOTOS])
    barrier.wait()
    for first in range(0, len(paths), BATCH_PHOTOS):
        run(paths[first : first + BATCH_PHOTOS])
    barrier.wait()


if __name__ == "__main__":
    paths = list(islice(cycle(photo_paths(photos_folder)), count))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1)
    workers = [context.Process(target=featurize, args=(paths[i::processes], barrier)) for i in range(processes)]
    for worker in workers:
        worker.start()
    barrier.wait()
    started_at = time.monotonic()
    barrier.wait()
    seconds = time.monotonic() - started_at
    for worker in workers:
        worker.join()
    print(json.dumps({"photos": count, "seconds": seconds}))
