"""Which modules pytest cannot collect: those whose library is not installed."""

from importlib.util import find_spec

collect_ignore = [f"limelight/interop/{name}.py" for name in ("aeon", "sktime") if find_spec(name) is None]
