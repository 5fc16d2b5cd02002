"""Whether both runtimes compute the same. Arguments: model folder, photos folder. Prints one line of JSON."""

import json
import sys

import numpy as np

from manifest import photo_paths
from networks import open_network

PHOTOS = 8

model_folder, photos_folder = sys.argv[1:3]
manifest, onnx = open_network("onnx", model_folder)
_, tensorflow = open_network("tensorflow", model_folder)
photos = np.stack([manifest.read(path.read_bytes()) for path in photo_paths(photos_folder)[:PHOTOS]])
ours, theirs = onnx(photos), tensorflow(photos)
cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
print(json.dumps({"maxDifference": float(np.abs(ours - theirs).max()), "minCosine": float(cosines.min())}))
