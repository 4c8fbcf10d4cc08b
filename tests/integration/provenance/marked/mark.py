"""Makes the marked pictures of this folder from our drawings, with OpenCV, PyWavelets and Pillow.

An implementation of the published algorithm that shares nothing with ours but the algorithm: the colours are OpenCV's,
the Haar step is PyWavelets', the JPEG is Pillow's. The bits that the published rule reads back go into published.json.

To repeat, in the root of the repository, with Debian's python3-opencv, python3-pywt and python3-pil:

    /usr/bin/python3 tests/integration/provenance/marked/mark.py
"""

import json
import pathlib

import cv2
import numpy as np
import pywt
from PIL import Image

HERE = pathlib.Path(__file__).parent
DRAWINGS = pathlib.Path("fixtures/catalogue")
STEP = 36


def bits_of(data):
    return np.unpackbits(np.frombuffer(data, np.uint8))


SDXL = bits_of(bytes.fromhex("b3ec907bb19e"))
SD1 = bits_of(b"StableDiffusionV1")
SD2 = bits_of(b"SDV2")
FLUX = bits_of(bytes.fromhex("2afe879cf52e"))[2:]


def blocks_of(plane):
    """The LL band of the plane as blocks of 4x4, in reading order, and the rest of the transform."""
    low, details = pywt.dwt2(plane, "haar")
    rows, columns = low.shape[0] // 4, low.shape[1] // 4
    blocks = low[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4).swapaxes(1, 2).reshape(-1, 16)
    return low, details, blocks, (rows, columns)


def chosen(blocks):
    where = 1 + np.abs(blocks[:, 1:]).argmax(axis=1)
    return np.arange(len(blocks)), where


def embed(bgr, message):
    """Marks an array of bytes or of fractions up to 255, in OpenCV's order of channels."""
    yuv = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV)
    low, (first, second, diagonal), blocks, (rows, columns) = blocks_of(yuv[:, :, 1])
    at = chosen(blocks)
    values = blocks[at]
    moved = (np.abs(values) // STEP + 0.25 + 0.5 * np.resize(message, len(blocks))) * STEP
    blocks[at] = np.where(values < 0, -moved, moved)
    low[: rows * 4, : columns * 4] = blocks.reshape(rows, columns, 4, 4).swapaxes(1, 2).reshape(rows * 4, -1)
    # The published encoder hands the two edge bands back in the other order; so does this one.
    yuv[:, :, 1] = pywt.idwt2((low, (second, first, diagonal)), "haar")
    return cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR)


def read(bgr, message):
    """How many bits the published rule reads as the message has them."""
    _, _, blocks, _ = blocks_of(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV)[:, :, 1])
    ones = np.abs(blocks[chosen(blocks)]) % STEP > STEP / 2
    length = len(message)
    means = np.array([ones[bit::length].mean() for bit in range(length)])
    return int(((means * 255 > 127) == message).sum())


def mark(rgb, message, manner):
    if manner == "bytes":
        return embed(np.ascontiguousarray(rgb[:, :, ::-1]), message)[:, :, ::-1]
    # SDXL's and FLUX's code converts fractions, and early diffusers hands over red for blue.
    turn = slice(None) if manner == "fractions-red-for-blue" else slice(None, None, -1)
    fractions = np.ascontiguousarray(rgb[:, :, turn]).astype(np.float32)
    return np.clip(np.round(embed(fractions, message)[:, :, turn]), 0, 255).astype(np.uint8)


MADE = [
    ("sdxl-fractions", "trz-002", 1024, SDXL, "fractions"),
    ("sdxl-red-for-blue", "ums-001", 1024, SDXL, "fractions-red-for-blue"),
    ("sdxl-bytes", "ynm-001", 1024, SDXL, "bytes"),
    ("sd1-bytes", "kmo-002", 512, SD1, "bytes"),
    ("sd2-bytes", "ske-001", 512, SD2, "bytes"),
    ("flux-fractions", "hym-001", 1024, FLUX, "fractions"),
]

# Pictures without loss are large; these two show that both manners are read as embedded.
AS_EMBEDDED = ["sd1-bytes", "sdxl-fractions"]

published = {}
for name, drawing, side, message, manner in MADE:
    picture = Image.open(DRAWINGS / f"{drawing}.png").convert("RGB").resize((side, side), Image.LANCZOS)
    marked = np.ascontiguousarray(mark(np.asarray(picture), message, manner))
    files = [f"{name}-80.jpg", f"{name}-noise-80.jpg"]
    if name in AS_EMBEDDED:
        files.append(f"{name}.webp")
        Image.fromarray(marked).save(HERE / f"{name}.webp", lossless=True, quality=100, method=6)
    Image.fromarray(marked).save(HERE / f"{name}-80.jpg", quality=80)
    noise = np.random.default_rng(7).normal(0, 2, marked.shape)
    noisy = np.clip(np.round(marked + noise), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(HERE / f"{name}-noise-80.jpg", quality=80)
    for file in files:
        rgb = np.asarray(Image.open(HERE / file).convert("RGB"))
        published[file] = read(np.ascontiguousarray(rgb[:, :, ::-1]), message)

(HERE / "published.json").write_text(json.dumps(published, indent=2) + "\n")
