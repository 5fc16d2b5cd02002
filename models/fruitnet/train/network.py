"""The network and its form in ONNX."""

import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import mobilenet_v2

WIDTH_MULTIPLIER = 0.35


def new_network(class_count: int) -> nn.Module:
    """MobileNetV2 (Sandler et al. 2018) with random weights: 1280 features at any width multiplier below 1."""
    return mobilenet_v2(weights=None, width_mult=WIDTH_MULTIPLIER, num_classes=class_count)


def export_onnx(network: nn.Module, side: int, path: Path) -> None:
    """Writes `input` float32 [N,3,side,side] in -1…1 → `features` [N,1280], `probabilities` [N,classes]; opset 13."""
    network = network.cpu().eval()
    _fold_batch_norms(network)
    with warnings.catch_warnings():
        # The newer exporter needs opset 18; this one is deprecated but complete for such a network.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _WithFeatures(network),
            (torch.zeros(1, 3, side, side),),
            str(path),
            dynamo=False,
            opset_version=13,
            input_names=["input"],
            output_names=["features", "probabilities"],
            dynamic_axes={name: {0: "N"} for name in ("input", "features", "probabilities")},
        )


class _WithFeatures(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.network.features(photos).mean(dim=(2, 3))
        return features, self.network.classifier(features).softmax(dim=1)


def _fold_batch_norms(module: nn.Module) -> None:
    """Every convolution takes the scale and the shift of the batch norm behind it."""
    children = list(module.named_children())
    for (name, child), (next_name, following) in zip(children, children[1:]):
        if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, following))
            setattr(module, next_name, nn.Identity())
    for _, child in children:
        _fold_batch_norms(child)
