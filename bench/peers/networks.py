"""The same network in two runtimes. A network takes float32 [N, height, width, 3] and gives features [N, dimension]."""

import functools
from typing import Callable

import numpy as np

from manifest import Manifest

Network = Callable[[np.ndarray], np.ndarray]


@functools.cache
def open_network(runtime: str, model_folder: str, side: int | None = None) -> tuple[Manifest, Network]:
    """Opened once a process, single-threaded: two processes share two cores."""
    manifest = Manifest(model_folder, side)
    return manifest, onnx_network(manifest) if runtime == "onnx" else tensorflow_network(manifest)


def onnx_network(manifest: Manifest) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(manifest.onnx_path, options, providers=["CPUExecutionProvider"])
    input_name = session.get_inputs()[0].name

    def infer(photos: np.ndarray) -> np.ndarray:
        batch = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), dtype=np.float32)
        return session.run([manifest.features_output], {input_name: batch})[0]

    return infer


def tensorflow_network(manifest: Manifest) -> Network:
    """Keras' MobileNetV2 with the ONNX file's weights, compiled to a graph as for serving."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras_mobilenet_v2(manifest)
    signature = [tf.TensorSpec([None, manifest.height, manifest.width, 3], tf.float32)]
    graph = tf.function(lambda photos: model(photos, training=False), input_signature=signature)
    return lambda photos: graph(tf.constant(photos)).numpy()


def keras_mobilenet_v2(manifest: Manifest):
    """
    The ONNX file has its batch normalisation folded into convolutions with a bias; Keras' network has convolutions
    without one, each with a batch normalisation. Convolution for convolution the kernels are put in, and each
    normalisation is made to add the bias and change nothing else.
    """
    import keras
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(manifest.onnx_path).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    folded = [(values[node.input[1]], values[node.input[2]]) for node in graph.node if node.op_type == "Conv"]

    shape = (manifest.height, manifest.width, 3)
    model = keras.applications.MobileNetV2(input_shape=shape, include_top=False, weights=None, pooling="avg")
    convolutions = [layer for layer in model.layers if "Conv2D" in type(layer).__name__]
    normalisations = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    if len(convolutions) != len(folded) or len(normalisations) != len(folded):
        raise SystemExit(f"{manifest.onnx_path} is no MobileNetV2 of Keras' shape: {len(folded)} convolutions")
    for convolution, normalisation, (kernel, bias) in zip(convolutions, normalisations, folded):
        is_depthwise = type(convolution).__name__ == "DepthwiseConv2D"
        convolution.set_weights([kernel.transpose(2, 3, 0, 1) if is_depthwise else kernel.transpose(2, 3, 1, 0)])
        ones, zeros = np.ones_like(bias), np.zeros_like(bias)
        normalisation.set_weights([ones, bias, zeros, ones * (1 - normalisation.epsilon)])
    return model
