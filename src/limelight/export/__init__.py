"""Fitted models as ONNX files, written node by node from their networks."""
