"""Styles and scripts of the pages that limelight writes and serves, each in one place."""
