"""Random views of a batch of photos, made on the device that trains."""

import math

import torch
import torch.nn.functional as F

SCALE_MIN, SCALE_MAX = 0.8, 1.1  # of the fruit, relative to the photo
SHIFT_MAX = 0.1  # of half the photo's side
GAIN_SPREAD = 0.12  # of brightness and of saturation
TINT_SPREAD = 0.04  # of each colour channel's gain
NEW_BACKGROUND_SHARE = 0.25  # of the photos; the others keep white


def augment(photos: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Turns, flips, scales and shifts each fruit, changes its light, and puts it before another background.

    photos: uint8 [n, 3, side, side]; masks: uint8 [n, 1, side, side], 255 on the fruit.
    Returns float32 [n, 3, side, side] in 0…1. Every photo draws its own numbers from torch's generator.
    """
    fruit, mask = photos / 255.0, masks / 255.0
    # Colours weighted by the mask, so that the warp's interpolation mixes no white into the fruit's edge.
    warped = _warp(torch.cat([_relight(fruit) * mask, mask], dim=1))
    return (warped[:, :3] + _backgrounds(photos) * (1 - warped[:, 3:])).clamp(0, 1)


def _warp(planes: torch.Tensor) -> torch.Tensor:
    n = len(planes)
    angle = _uniform(n, -math.pi, math.pi, planes)
    zoom = 1 / _uniform(n, SCALE_MIN, SCALE_MAX, planes)
    flip = torch.where(_uniform(n, 0, 1, planes) < 0.5, -1.0, 1.0)
    shift_x, shift_y = (_uniform(n, -SHIFT_MAX, SHIFT_MAX, planes) for _ in range(2))
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack([cos * flip, -sin, shift_x, sin * flip, cos, shift_y], dim=1).view(n, 2, 3)
    grid = F.affine_grid(theta, list(planes.shape), align_corners=False)
    return F.grid_sample(planes, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _relight(fruit: torch.Tensor) -> torch.Tensor:
    n = len(fruit)
    gain = _uniform(n, 1 - GAIN_SPREAD, 1 + GAIN_SPREAD, fruit).view(n, 1, 1, 1)
    tint = _uniform(3 * n, 1 - TINT_SPREAD, 1 + TINT_SPREAD, fruit).view(n, 3, 1, 1)
    saturation = _uniform(n, 1 - GAIN_SPREAD, 1 + GAIN_SPREAD, fruit).view(n, 1, 1, 1)
    grey = fruit.mean(dim=1, keepdim=True)
    return ((grey + (fruit - grey) * saturation) * gain * tint).clamp(0, 1)


def _backgrounds(photos: torch.Tensor) -> torch.Tensor:
    n = len(photos)
    colours = torch.rand(n, 3, 1, 1, device=photos.device)
    keeps_white = torch.rand(n, 1, 1, 1, device=photos.device) >= NEW_BACKGROUND_SHARE
    return torch.where(keeps_white, torch.ones_like(colours), colours)


def _uniform(count: int, low: float, high: float, like: torch.Tensor) -> torch.Tensor:
    return torch.rand(count, device=like.device) * (high - low) + low
