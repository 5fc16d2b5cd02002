"""Trains fruitnet from random weights on the Training photos of Fruits-360 and writes fruitnet.onnx and labels.txt.

    python train.py --photos FOLDER --out FOLDER

FOLDER of the photos holds Training/<label>/*.jpg. Equal seed, threads, machine and library versions give equal weights.
"""

import argparse
import os
import time
from pathlib import Path

# Without it cuBLAS has no deterministic products; it is read when CUDA starts.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch
import torch.nn.functional as F

from augment import augment
from network import export_onnx, new_network
from photos import Photos, fruit_masks, load_photos

BATCH_SIZE = 64
LEARNING_RATE_MAX = 4e-3
WEIGHT_DECAY = 0.05
WARM_UP_SHARE = 0.15  # of all steps
LABEL_SMOOTHING = 0.1
GRADIENT_NORM_MAX = 5.0


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)

    photos = load_photos(options.photos / "Training", options.side)
    print(f"{len(photos.classes)} photos of {len(photos.labels)} classes", flush=True)
    network = train(photos, options.epochs, "cuda" if torch.cuda.is_available() else "cpu")

    options.out.mkdir(parents=True, exist_ok=True)
    export_onnx(network, options.side, options.out / "fruitnet.onnx")
    (options.out / "labels.txt").write_text("\n".join(photos.labels) + "\n", encoding="utf-8")


def train(photos: Photos, epochs: int, device: str) -> torch.nn.Module:
    """AdamW with one cycle of the learning rate (Smith & Topin 2018), cross-entropy with label smoothing."""
    pixels = torch.from_numpy(photos.pixels).permute(0, 3, 1, 2).to(device)
    masks = torch.from_numpy(fruit_masks(photos.pixels)).unsqueeze(1).to(device)
    classes = torch.from_numpy(photos.classes).to(device)
    network = new_network(len(photos.labels)).to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE_MAX, weight_decay=WEIGHT_DECAY)
    steps = len(classes) // BATCH_SIZE
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE_MAX, epochs=epochs, steps_per_epoch=steps, pct_start=WARM_UP_SHARE
    )
    for epoch in range(epochs):
        started, loss_sum, right = time.monotonic(), 0.0, 0
        # The last, smaller batch is left out: batch norm would weigh it like a whole one.
        for batch in torch.randperm(len(classes), device=device)[: steps * BATCH_SIZE].split(BATCH_SIZE):
            views = augment(pixels[batch], masks[batch]).mul(2).sub(1).contiguous(memory_format=torch.channels_last)
            logits = network(views)
            loss = F.cross_entropy(logits, classes[batch], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM_MAX)
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
            right += (logits.argmax(1) == classes[batch]).sum().item()
        accuracy = right / (steps * BATCH_SIZE)
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1}/{epochs}: loss {loss_sum / steps:.3f}, training accuracy {accuracy:.3f}, {seconds:.0f} s", flush=True)
    return network


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains fruitnet from random weights on Fruits-360 Training photos.")
    parser.add_argument("--photos", type=Path, required=True, help="the folder that holds Training/<label>/*.jpg")
    parser.add_argument("--out", type=Path, required=True, help="where fruitnet.onnx and labels.txt are written")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--side", type=int, default=96, help="width and height of the network's input, in pixels")
    parser.add_argument("--seed", type=int, default=360)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU; another number gives other weights")
    return parser.parse_args()


if __name__ == "__main__":
    main()
