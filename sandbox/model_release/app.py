"""Puts a file on the model's file system: a release, or `current.txt`, which names the one to use.

    {"name": "fraud-2.0.0.onnx", "content": "…", "sha256": "…"}

`content` is base64. A reader sees the old file or the new one, whole; never half of one.
"""

import base64
import hashlib
import os
import re
from pathlib import Path

MOUNT = Path(os.environ["MODEL_MOUNT"])


def handler(event, context):
    name = event["name"]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(f"not a plain file name: {name!r}")
    content = base64.b64decode(event["content"], validate=True)
    digest = hashlib.sha256(content).hexdigest()
    if digest != event.get("sha256", digest):
        raise ValueError(f"{name} came as {digest}, not as {event['sha256']}")

    arriving = MOUNT / f".{name}.{context.aws_request_id}"
    try:
        with arriving.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        arriving.replace(MOUNT / name)
    finally:
        arriving.unlink(missing_ok=True)
    kept = sorted(path.name for path in MOUNT.iterdir() if not path.name.startswith("."))
    return {"name": name, "bytes": len(content), "sha256": digest, "files": kept}
