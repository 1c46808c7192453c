"""Write the script of ONNX Runtime Web into the package, so that a wheel has what an exported page needs.

    python supply/web_runtime.py
    python supply/web_runtime.py --package onnxruntime-web-1.30.0.tgz

Without ``--package``, npm or the registry of its configuration is asked for the package. Its files are compared with
the digests in ``limelight.export.web_runtime``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from limelight.export.web_runtime import SHIPPED, fetch_script, read_package, runtime_script


def main() -> None:
    """Write the script, unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="the npm package, a folder or a .tgz file")
    options = parser.parse_args()
    if options.package or not SHIPPED.is_file():
        SHIPPED.write_bytes(runtime_script(read_package(options.package)) if options.package else fetch_script())
    print(f"{SHIPPED} ({SHIPPED.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
