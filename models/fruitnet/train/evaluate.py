"""Measures fruitnet on Fruits-360 by its ONNX files alone; prints one JSON object per file.

    python evaluate.py --photos FOLDER fruitnet.onnx [another.onnx …]

FOLDER holds Training/<label>/*.jpg and Test/<label>/*.jpg. Several files are compared with the first, and their speeds
are measured in turns, so that a machine's other work falls on all of them alike.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from photos import Photos, load_photos

BATCH_SIZE = 4  # as small as the featurizer's batches are when photos trickle in
SPEED_ROUNDS = 9
PHOTOS_PER_ROUND = 400
PROBE_ITERATIONS_MAX = 300


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures fruitnet's ONNX files on Fruits-360.")
    parser.add_argument("--photos", type=Path, required=True, help="the folder that holds Training and Test")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL.onnx")
    options = parser.parse_args()

    sessions = [_open(path) for path in options.models]
    side = sessions[0].get_inputs()[0].shape[2]
    training, test = (load_photos(options.photos / split, side) for split in ("Training", "Test"))
    answers = [(_answer(session, training.pixels), _answer(session, test.pixels)) for session in sessions]
    speeds = _photos_per_second(sessions, test.pixels)
    for path, (on_training, on_test), speed in zip(options.models, answers, speeds):
        cosines = _cosines(on_test.features, answers[0][1].features)
        print(json.dumps({
            "model": path.name,
            "bytes": path.stat().st_size,
            "test accuracy": _share(on_test.probabilities.argmax(1) == test.classes),
            "test accuracy of a linear probe": _probe_accuracy(on_training, training, on_test, test),
            "explained variance of 1, 2, 8, 32, 128 components": _explained_variance(on_training.features),
            "features that are always 0": int((on_training.features.max(0) == 0).sum()),
            "cosine to the first model, mean": round(float(cosines.mean()), 5),
            "cosine to the first model, min": round(float(cosines.min()), 5),
            "photos/s on one thread, quartiles": speed,
        }), flush=True)


@dataclass(frozen=True)
class Answers:
    features: np.ndarray  # float32 [n, 1280]
    probabilities: np.ndarray  # float32 [n, classes]


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _answer(session: onnxruntime.InferenceSession, pixels: np.ndarray) -> Answers:
    batches = [
        session.run(["features", "probabilities"], {"input": _scale(pixels[start : start + BATCH_SIZE])})
        for start in range(0, len(pixels), BATCH_SIZE)
    ]
    return Answers(*(np.concatenate(outputs) for outputs in zip(*batches)))


def _scale(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / 127.5 - 1


def _probe_accuracy(on_training: Answers, training: Photos, on_test: Answers, test: Photos) -> float:
    """Multinomial logistic regression on standardised features, fitted on Training only."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=PROBE_ITERATIONS_MAX))
    probe.fit(on_training.features, training.classes)
    return _share(probe.predict(on_test.features) == test.classes)


def _explained_variance(features: np.ndarray) -> list[float]:
    shares = PCA().fit(features).explained_variance_ratio_.cumsum()
    return [round(float(shares[count - 1]), 4) for count in (1, 2, 8, 32, 128)]


def _cosines(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(reference, axis=1)
    return (features * reference).sum(axis=1) / lengths


def _photos_per_second(sessions: list[onnxruntime.InferenceSession], pixels: np.ndarray) -> list[list[int]]:
    """The lower quartile, the median and the upper quartile over rounds in which every model has one turn."""
    batch = {"input": _scale(pixels[:BATCH_SIZE])}
    rounds = [[_turn(session, batch) for session in sessions] for _ in range(SPEED_ROUNDS)]
    return np.percentile(rounds, [25, 50, 75], axis=0).T.round().astype(int).tolist()


def _turn(session: onnxruntime.InferenceSession, batch: dict[str, np.ndarray]) -> float:
    runs = PHOTOS_PER_ROUND // BATCH_SIZE
    # Time of this process's own work: one thread, which others may interrupt.
    started = time.process_time()
    for _ in range(runs):
        session.run(["features"], batch)
    return runs * BATCH_SIZE / (time.process_time() - started)


def _share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4)


if __name__ == "__main__":
    main()
