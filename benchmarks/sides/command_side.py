"""Run one command of limelight in a process of its own, for benchmarks of whole commands.

    command_side.py REQUEST RESPONSE

The request has the ``words`` of the command; an empty response is written if it ends well.
"""

import json
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    request, response = map(Path, sys.argv[1:])
    sys.argv = ["limelight", *json.loads(request.read_text())["words"]]
    try:
        runpy.run_module("limelight", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    response.write_text('{"done": true}')
