"""An experiment carried out: series read, a model trained, scores and a report left in a folder."""
