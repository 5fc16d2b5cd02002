"""Writes an int8 copy of an ONNX model: static quantisation with QuantizeLinear/DequantizeLinear pairs.

Weights are int8 with a scale per output channel, activations uint8 with a scale per tensor: the pair that AVX-512 VNNI
and AVX-VNNI multiply in one instruction. Activation ranges are the smallest and largest values that the calibration
photos give, which come already preprocessed, from the same graph that preprocesses photos in the pipeline.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

# DequantizeLinear has an axis, which scales per channel need, since this opset.
OPSET_MIN = 13

# Steps of 1/255 would make probabilities that don't sum to 1, and nothing follows a softmax that would gain by them.
KEPT_IN_FLOAT = {"Softmax"}


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        prepare(arguments.model, prepared)
        quantize_static(
            prepared,
            arguments.out,
            Photos(arguments.calibration, arguments.input, arguments.shape),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=sorted({*QDQRegistry, *QLinearOpsRegistry} - KEPT_IN_FLOAT),
        )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="the float32 ONNX file")
    parser.add_argument("--calibration", required=True, help="float32 inputs, one photo after the other, without a header")
    parser.add_argument("--input", required=True, help="the name of the model's input")
    parser.add_argument("--shape", required=True, type=int, nargs=3, help="one photo's shape")
    parser.add_argument("--out", required=True, help="the int8 ONNX file to write")
    return parser.parse_args()


def prepare(model_path: str, out: Path) -> None:
    """Infers shapes, folds constants and batch norms; lifts graphs of an older opset."""
    model = onnx.load(model_path)
    if next(entry.version for entry in model.opset_import if entry.domain == "") < OPSET_MIN:
        model = version_converter.convert_version(model, OPSET_MIN)
    quant_pre_process(model, out, skip_symbolic_shape=True)


class Photos(CalibrationDataReader):
    """Hands out one photo at a time from a memory-mapped file."""

    def __init__(self, path: str, input_name: str, shape: list[int]) -> None:
        self.photos = iter(np.memmap(path, np.float32, "r").reshape(-1, 1, *shape))
        self.input_name = input_name

    def get_next(self) -> dict[str, np.ndarray] | None:
        photo = next(self.photos, None)
        return None if photo is None else {self.input_name: np.ascontiguousarray(photo)}


if __name__ == "__main__":
    main()
