"""What decided: attention on the time axis of the series, and its pictures."""
