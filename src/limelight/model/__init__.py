"""Fitted models: task, network and vocabulary, with prediction, saving and loading."""
