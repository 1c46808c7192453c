"""Graph: collects the nodes and constants of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import checker, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class Graph:
    """An ONNX graph that grows node by node; every method that adds a node returns the name of its output.

    A node that is there already, with the same inputs and attributes, is not added again, nor is a constant.

    Parameters
    ----------
    outer
        The graph in whose scope this one runs, for the body of a loop; its constants and names are shared. None for a
        graph of its own.

    Source
    ------
    The operators of ONNX, opset 17.

    Example
    -------
    >>> graph = Graph()
    >>> doubled = graph.add("Mul", graph.input("x", np.float32, ["n"]), graph.number(2.0))
    >>> graph.output("y", doubled, np.float32, ["n"])
    >>> [node.op_type for node in graph.model({}).graph.node]
    ['Mul', 'Identity']
    >>> graph.add("Mul", "x", graph.number(2.0)) == doubled
    True
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self._root: Graph = self if outer is None else outer._root
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._made: dict[str, list[str]] = {}
        self._count = 0

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.add_several(kind, *inputs, outputs=1, **attributes)[0]

    def add_several(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs, and return their names."""
        key = f"{kind} {inputs} {sorted(attributes.items())} {outputs}"
        shared = "body" not in attributes
        if shared and key in self._made:
            return self._made[key]
        names = [self._name(kind) for _ in range(outputs)]
        self._made |= {key: names} if shared else {}
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def input(self, name: str, dtype: DTypeLike, shape: Sequence[str | int]) -> str:
        """Declare an input; axes given by name have any size."""
        self._inputs.append(helper.make_tensor_value_info(name, _type_of(dtype), list(shape)))
        return name

    def output(self, name: str, value: str, dtype: DTypeLike, shape: Sequence[str | int]) -> None:
        """Declare a computed value as output; axes given by name have any size."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _type_of(dtype), list(shape)))

    def constant(self, value: ArrayLike | Any, dtype: DTypeLike | None = None) -> str:
        """Add a constant: an array, a number or a torch tensor."""
        given = value.detach().cpu().numpy() if hasattr(value, "detach") else value
        array: NDArray[Any] = np.array(given, dtype=dtype, order="C")  # ascontiguousarray would make scalars vectors
        key = (array.dtype.str, array.shape, sha256(array.tobytes()).digest())
        if key in self._root._known:
            return self._root._known[key]
        name = self._name("constant")
        self._root._constants.append(numpy_helper.from_array(array, name))
        self._root._known[key] = name
        return name

    def integers(self, *values: int) -> str:
        """Add a constant vector of whole numbers, as shapes and axes are given."""
        return self.constant(values, np.int64)

    def integer(self, value: int) -> str:
        """Add a constant whole number."""
        return self.constant(value, np.int64)

    def number(self, value: float) -> str:
        """Add a constant in float32."""
        return self.constant(value, np.float32)

    def double(self, value: ArrayLike) -> str:
        """Add a constant in float64."""
        return self.constant(value, np.float64)

    def cast(self, value: str, dtype: DTypeLike) -> str:
        """Convert a value to another type of number."""
        return self.add("Cast", value, to=_type_of(dtype))

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Insert axes of size 1."""
        return self.add("Unsqueeze", value, self.integers(*axes))

    def squeeze(self, value: str, *axes: int) -> str:
        """Remove axes of size 1."""
        return self.add("Squeeze", value, self.integers(*axes))

    def reshape(self, value: str, *shape: int) -> str:
        """Change the shape; 0 keeps an axis, and one -1 is inferred."""
        return self.add("Reshape", value, self.integers(*shape))

    def transpose(self, value: str, *axes: int) -> str:
        """Permute the axes."""
        return self.add("Transpose", value, perm=list(axes))

    def size(self, value: str, axis: int) -> str:
        """Return the size of an axis as a vector with one number."""
        return self.slice(self.add("Shape", value), 0, axis, axis + 1)

    def slice(self, value: str, axis: int, start: int | str, stop: int | str, step: int = 1) -> str:
        """Cut along an axis; bounds are numbers or vectors with one number."""
        first, last = (self.integers(one) if isinstance(one, int) else one for one in (start, stop))
        return self.add("Slice", value, first, last, self.integers(axis), *([self.integers(step)] if step > 1 else []))

    def arange(self, size: str) -> str:
        """Count from 0 to a size, given as a vector with one number."""
        return self.add("Range", self.integer(0), self.squeeze(size, 0), self.integer(1))

    def concat(self, values: Sequence[str], axis: int) -> str:
        """Concatenate values; a single one is returned as it is."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def sum(self, value: str, *axes: int, keepdims: bool = False) -> str:
        """Sum over axes."""
        return self.add("ReduceSum", value, self.integers(*axes), keepdims=int(keepdims))

    def linear(self, value: str, layer: Any) -> str:
        """Apply a linear layer of torch to the last axis."""
        product = self.add("MatMul", value, self.constant(layer.weight.detach().T))
        return product if layer.bias is None else self.add("Add", product, self.constant(layer.bias))

    def loop(self, count: str, body: Graph, index: str, result: str, dtype: DTypeLike, rank: int) -> str:
        """Run a body for each index from 0 to a count, and stack its results along a new first axis.

        Parameters
        ----------
        count
            The number of rounds, as a vector with one number.
        body
            A graph made with ``Graph(outer)``.
        index, result
            Names in the body: of the whole number that it reads, and of what it computes.
        dtype, rank
            Type and number of axes of a result; all results have the same shape.

        Returns
        -------
        str
            The name of the stacked results.
        """
        again, keep = self._name("again"), self._name("keep")
        body._nodes.append(helper.make_node("Identity", [again], [keep]))
        kind = _type_of(dtype)
        truth, whole = _type_of(np.bool_), _type_of(np.int64)
        proto = helper.make_graph(
            body._nodes,
            self._name("body"),
            [helper.make_tensor_value_info(index, whole, []), helper.make_tensor_value_info(again, truth, [])],
            [
                helper.make_tensor_value_info(keep, truth, []),
                helper.make_tensor_value_info(result, kind, [None] * rank),
            ],
        )
        return self.add("Loop", self.squeeze(count, 0), self.constant(True), body=proto)

    def running_maximum(self, value: str) -> str:
        """Return the cumulative maximum of whole numbers over the first axis of three."""
        before, now, after, kept = (self._name("scan") for _ in range(4))
        whole = _type_of(np.int64)
        info = [helper.make_tensor_value_info(name, whole, [None, None]) for name in (before, now, after, kept)]
        nodes = [helper.make_node("Max", [before, now], [after]), helper.make_node("Identity", [after], [kept])]
        body = helper.make_graph(nodes, self._name("body"), info[:2], info[2:])
        first = self.squeeze(self.slice(value, 0, 0, 1), 0)
        return self.add_several("Scan", first, value, outputs=2, body=body, num_scan_inputs=1)[1]

    def fresh(self) -> str:
        """Return a name that nothing has yet, for the index of a loop."""
        return self._name("index")

    def model(self, properties: Mapping[str, str]) -> Any:
        """Build the checked ONNX model.

        Parameters
        ----------
        properties
            Text by name, stored beside the graph as ``metadata_props``.

        Returns
        -------
        onnx.ModelProto
            With opset 17.
        """
        graph = helper.make_graph(self._nodes, "limelight", self._inputs, self._outputs, self._constants)
        opset = [helper.make_opsetid("", OPSET)]
        proto = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="limelight")
        for name, text in properties.items():
            proto.metadata_props.add(key=name, value=text)
        checker.check_model(proto, full_check=True)
        return proto

    def _name(self, kind: str) -> str:
        self._root._count += 1
        return f"{kind.lower()}_{self._root._count}"


def _type_of(dtype: DTypeLike) -> int:
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
