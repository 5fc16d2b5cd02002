"""What the peers need of a model folder and of photos: the same inputs as the pipeline's, made with Pillow."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


class Manifest:
    """A model folder's model.json, as far as the peers follow it: NCHW, RGB."""

    def __init__(self, folder: str, side: int | None = None):
        """side: another input size than the model's, for networks that take any; None or 0 for the model's own."""
        fields = json.loads((Path(folder) / "model.json").read_text())
        self.onnx_path = str((Path(folder) / fields["onnx"]).resolve())
        self.features_output = fields["outputs"].get("features")
        self.width = side or fields["input"]["width"]
        self.height = side or fields["input"]["height"]
        self.resize = fields["input"]["resize"]
        self.scaling = fields["scaling"]
        is_known = fields["input"]["layout"] == "NCHW" and fields["input"]["channelOrder"] == "RGB"
        if not is_known or "letterbox" in self.resize or self.features_output is None:
            raise SystemExit(f"the peers need NCHW, RGB, no letterbox and a named features output; {folder} differs")

    def read(self, photo: bytes) -> np.ndarray:
        """A photo's file as float32 [height, width, 3], upright, resized by Pillow's bicubic and scaled."""
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
        if self.resize == "stretch":
            image = image.resize((self.width, self.height), Image.Resampling.BICUBIC)
        else:
            image = self._shorter_side_and_crop(image, self.resize["shorterSide"])
        return self._scale(np.asarray(image, dtype=np.float32))

    def _shorter_side_and_crop(self, image: Image.Image, side: int) -> Image.Image:
        width, height = image.size
        size = (side, side * height // width) if width <= height else (side * width // height, side)
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = round((size[0] - self.width) / 2), round((size[1] - self.height) / 2)
        return image.crop((left, top, left + self.width, top + self.height))

    def _scale(self, pixels: np.ndarray) -> np.ndarray:
        if self.scaling == "x/127.5-1":
            return pixels / 127.5 - 1
        if self.scaling == "x/255":
            return pixels / 255
        if self.scaling == "none":
            return pixels
        mean, std = (np.array(self.scaling[name], dtype=np.float32) for name in ("mean", "std"))
        return (pixels / 255 - mean) / std


def photo_paths(folder: str) -> list[Path]:
    """The photos below a folder, in the order of their paths."""
    return sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
