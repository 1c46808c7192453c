"""The report of a run: its content is collected first, then rendered as one HTML page."""
