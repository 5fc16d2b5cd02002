"""The photos of one split of Fruits-360, as arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage


@dataclass(frozen=True)
class Photos:
    pixels: np.ndarray  # uint8 [n, side, side, 3], RGB
    classes: np.ndarray  # int64 [n], indices into `labels`
    labels: list[str]


def load_photos(split: Path, side: int) -> Photos:
    """Reads `split`/<label>/*.jpg in the order of their names and resizes each as Fruitstream's featurizer does.

    Labels are the folders' names, sorted. The resize is Pillow's bicubic stretch, which `lib/model/resize-weights.ts`
    repeats to the rounding.
    """
    labels = sorted(folder.name for folder in split.iterdir() if folder.is_dir())
    paths = [(path, index) for index, label in enumerate(labels) for path in sorted((split / label).glob("*.jpg"))]
    if not paths:
        raise SystemExit(f"{split} must hold one folder of .jpg files per class; give the folder that holds Training and Test")
    pixels = np.stack([_read(path, side) for path, _ in paths])
    return Photos(pixels, np.array([index for _, index in paths]), labels)


def fruit_masks(pixels: np.ndarray) -> np.ndarray:
    """Where the fruit is, uint8 [n, side, side], 255 on the fruit and 0 on the background.

    The background is the near-white region that touches the photo's edge: a white highlight inside a fruit stays fruit.
    """
    return np.stack([_mask(photo) for photo in pixels])


# JPEG leaves the painted-white background between about 240 and 255.
WHITE_MIN = 238


def _read(path: Path, side: int) -> np.ndarray:
    with Image.open(path) as photo:
        return np.asarray(photo.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


def _mask(photo: np.ndarray) -> np.ndarray:
    regions, _ = ndimage.label(photo.min(axis=2) >= WHITE_MIN)
    border = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    background = np.isin(regions, np.unique(border[border > 0]))
    # The outermost ring of the fruit is mixed with white; half of it goes to the background.
    return ndimage.uniform_filter(np.where(background, 0, 255).astype(np.float32), 3).round().astype(np.uint8)
