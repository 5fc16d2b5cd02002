"""Prints the accuracy of a linear probe on each of several feature files, as JSON by name.

A probe is a multinomial logistic regression on standardised features, fitted to seven tenths of the photos and scored
on the rest; the split is stratified, seeded, and the same for every file.
"""

import argparse
import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TEST_SHARE = 0.3
SEED = 20
ITERATIONS_MAX = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", required=True, help="a JSON list, one label per photo")
    parser.add_argument("features", nargs="+", metavar="NAME=FILE", help="float32 [photos, dimension], without a header")
    arguments = parser.parse_args()
    with open(arguments.labels, encoding="utf-8") as file:
        labels = np.array(json.load(file))
    named = dict(argument.split("=", 1) for argument in arguments.features)
    print(json.dumps({name: accuracy(path, labels) for name, path in named.items()}))


def accuracy(path: str, labels: np.ndarray) -> float:
    features = np.fromfile(path, np.float32).reshape(len(labels), -1)
    train, test, train_labels, test_labels = train_test_split(
        features, labels, test_size=TEST_SHARE, random_state=SEED, stratify=labels
    )
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS_MAX))
    return float(probe.fit(train, train_labels).score(test, test_labels))


if __name__ == "__main__":
    main()
