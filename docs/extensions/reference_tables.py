"""Directives whose tables are read from the code, so that they cannot be out of date.

``commands`` lists the command line, ``experiment-keys`` the keys of an experiment file, and ``error-messages`` every
sentence that an ``InputError`` can have.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command

import limelight
from limelight.cli.app import app as command_line
from limelight.config.sections import Experiment

USERS_ERRORS = {
    "InputError",
    "DataError",
    "DataTypeError",
    "LabelError",
    "ParameterError",
    "ModelFolderError",
    "OutputError",
    "LostWorkerError",
}
ROOMS = {
    "data": "Reading, splitting and cutting series",
    "parts": "Parts of a network",
    "nn": "Parts of a network",
    "model": "Models: fitting, saving, loading, predicting",
    "training": "Models: fitting, saving, loading, predicting",
    "estimator": "Models: fitting, saving, loading, predicting",
    "loading": "Models: fitting, saving, loading, predicting",
    "task": "Labels and scores",
    "evaluation": "Labels and scores",
    "explanation": "Explanations",
    "export": "Export, serving and streams",
    "runtime": "Export, serving and streams",
    "serving": "Export, serving and streams",
    "streaming": "Export, serving and streams",
    "deployable": "Export, serving and streams",
    "interop": "Keras, aeon and sktime",
}
ELSEWHERE = "Commands and experiment files"


class MarkdownDirective(SphinxDirective):
    """A directive that is replaced by generated Markdown."""

    def write(self) -> Iterable[str]:
        """Return the lines of the Markdown text."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the generated lines in the place of the directive, and keep options such as ``--set`` as typed."""
        self.state.document["support_smartquotes"] = False
        return self.parse_text_to_nodes("\n".join(self.write()), allow_section_headings=True)


def in_cell(text: str) -> str:
    """Return text that cannot end a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


class CommandTables(MarkdownDirective):
    """One section for each command, with its arguments and options."""

    def write(self) -> Iterator[str]:
        """List the commands in the order of ``limelight --help``."""
        for name, command in get_command(command_line).commands.items():  # type: ignore[attr-defined]
            yield f"\n## limelight {name}\n"
            yield from (inspect.cleandoc(command.help or "").replace("\b", ""), "")
            rows = [parameter for parameter in command.params if parameter.name != "help"]
            if rows:
                yield from ("| option | meaning |", "|---|---|")
            for parameter in rows:
                is_option = parameter.opts[0].startswith("-")
                words = (
                    ", ".join(f"`{word}`" for word in parameter.opts) if is_option else f"`{parameter.name.upper()}`"
                )
                yield f"| {words} | {in_cell(parameter.help or '')} |"


class ExperimentKeys(MarkdownDirective):
    """One table of keys, defaults and meanings for each section of an experiment file."""

    def write(self) -> Iterator[str]:
        """List the sections in the order of the file."""
        schema = Experiment.model_json_schema()
        known = schema["$defs"]
        yield "\n## The whole run\n"
        yield from self._table(schema, skip={"model", "data", *(name for name, _ in self._sections(schema))})
        for key, name in self._sections(schema):
            yield f"\n## {key}\n"
            yield from (known[name].get("description", "").split("\n")[0], "")
            yield from self._table(known[name])
            for inner, inner_name in self._sections(known[name]):
                yield f"\n### {key}.{inner}\n"
                yield from (known[inner_name].get("description", "").split("\n")[0], "")
                yield from self._table(known[inner_name])

    @staticmethod
    def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for key, entry in schema["properties"].items():
            found = re.search(r"#/\$defs/(\w+)", json.dumps(entry))
            if found:
                yield key, found[1]

    def _table(self, schema: dict[str, Any], skip: Iterable[str] = ()) -> Iterator[str]:
        explained = parameters_in(schema.get("description", ""))
        yield from ("| key | default | meaning |", "|---|---|---|")
        for key, entry in schema["properties"].items():
            if key not in skip and not any(key == name for name, _ in self._sections(schema)):
                default = json.dumps(entry["default"]) if "default" in entry else ""
                meaning = entry.get("description") or explained.get(key, "")
                yield (
                    f"| `{key}` | `{in_cell(default)}` | {in_cell(meaning)} |"
                    if default
                    else f"| `{key}` | | {in_cell(meaning)} |"
                )


def parameters_in(docstring: str) -> dict[str, str]:
    """Return the description of each parameter in a docstring of numpydoc's form."""
    _, _, block = docstring.partition("Parameters\n----------\n")
    block = re.split(r"\n\n?\w[\w ]*\n-{3,}\n", block)[0]
    found: dict[str, str] = {}
    for names, text in re.findall(r"^(\w[\w, ]*)\n((?:[ ]+.*\n?|\n)+)", block + "\n", flags=re.MULTILINE):
        for name in names.split(", "):
            found[name] = " ".join(text.split()).replace("``", "`")
    return found


class ErrorMessages(MarkdownDirective):
    """The sentences of all errors that a user's input can lead to, and what they recommend."""

    def write(self) -> Iterator[str]:
        """List the messages by the part of the package that raises them."""
        source = Path(limelight.__file__).parent
        found: dict[str, set[tuple[str, str]]] = {title: set() for title in (*dict.fromkeys(ROOMS.values()), ELSEWHERE)}
        for file in sorted(source.rglob("*.py")):
            room = file.relative_to(source).parts[0].removesuffix(".py")
            for message in messages_in(ast.parse(file.read_text())):
                problem, _, remedy = message.rpartition("; ") if "; " in message else (message, "", "")
                found[ROOMS.get(room, ELSEWHERE)].add((problem, remedy))
        for title, messages in found.items():
            yield from (f"\n## {title}\n", "| message | what to do |", "|---|---|")
            yield from (f"| {in_cell(problem)} | {in_cell(remedy)} |" for problem, remedy in sorted(messages))


def messages_in(tree: ast.AST) -> Iterator[str]:
    """Return the text of every error of the user in a module; what is filled in is shown as an ellipsis."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in USERS_ERRORS
            and node.args
        ):
            text = text_of(node.args[0])
            if len(text) > 20:
                yield (
                    re.sub(r"(… ?)+", "… ", text).replace("… ,", "…,").replace("… ;", "…;").replace("*", "\\*").strip()
                )


def text_of(node: ast.expr) -> str:
    """Return a literal, an f-string or a sum of them as text."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    return "…"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("commands", CommandTables)
    app.add_directive("experiment-keys", ExperimentKeys)
    app.add_directive("error-messages", ErrorMessages)
    return {"parallel_read_safe": True}
