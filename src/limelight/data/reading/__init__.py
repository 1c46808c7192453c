"""Read tables, archive files and labels into a Panel."""
