"""Run the command line as ``python -m limelight``."""

from limelight.cli.app import main

main()
