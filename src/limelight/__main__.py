"""Run the command line as ``python -m limelight``."""

from limelight.cli import main

main()
