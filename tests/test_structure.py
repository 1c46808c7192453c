"""Structure of the package: floors, import cycles, sizes, public names, and the libraries that an import loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import limelight
from limelight.model.bundle import save_model
from support.models import random_network_model

SOURCE = Path(limelight.__file__).parent
FILES = {".".join(file.relative_to(SOURCE).with_suffix("").parts): file for file in sorted(SOURCE.rglob("*.py"))}
FLOORS = [
    {"errors", "types"},
    {"files", "markup", "parallel", "progress", "tabular", "task", "text", "web"},
    {"parts", "replacement"},
    {"data"},
    {"nn"},
    {"model"},
    {"training", "evaluation", "export", "runtime"},
    {"explanation", "streaming"},
    {"recipe", "deployable", "incremental"},
    {"model_selection", "estimator", "report"},
    {"config", "loading", "serving"},
    {"runs", "interop"},
    {"cli"},
    {"__main__"},
]
"""From the ground up; a module imports from lower floors or from its own folder."""


def imports_of(file: Path) -> set[str]:
    """Modules of limelight that a file imports, also inside functions and for type checkers alone."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("limelight"):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.removeprefix("limelight.") for name in names if name.startswith("limelight.")}
    return {name for name in found if name in FILES}


def floor_of(module: str) -> int:
    room = module.split(".")[0]
    return next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


GRAPH = {module: imports_of(file) for module, file in FILES.items() if module != "__init__"}


@pytest.mark.parametrize("module", GRAPH)
def test_imports_go_to_lower_floors_only(module: str) -> None:
    room = module.split(".")[0]
    upwards = {other for other in GRAPH[module] if other.split(".")[0] != room and floor_of(other) >= floor_of(module)}
    assert upwards == set()


def test_imports_have_no_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for other in GRAPH.get(module, ()):
                visit(other, [*path, module])
            done.add(module)

    for module in GRAPH:
        visit(module, [])


def test_the_table_in_the_docs_has_the_same_floors() -> None:
    page = Path(__file__).parent.parent / "docs" / "background" / "architecture.md"
    rows = re.findall(r"^\| (\d+) \| `([\w/]+)` \|", page.read_text(), flags=re.MULTILINE)
    modules: list[set[str]] = [set() for _ in FLOORS]
    for floor, path in rows:
        assert (SOURCE / path).is_dir() if path.endswith("/") else (SOURCE / f"{path}.py").is_file(), path
        modules[int(floor) - 1].add(path.split("/")[0])
    assert modules == FLOORS


def test_networks_import_neither_data_nor_training() -> None:
    for module, others in GRAPH.items():
        if module.startswith("nn."):
            assert {other.split(".")[0] for other in others} <= {"nn", "errors", "task", "parts"}


def test_only_training_imports_lightning() -> None:
    knowing = {module for module, file in FILES.items() if "lightning" in _outside_imports(file)}
    assert {module.split(".")[0] for module in knowing} == {"training"}


def test_modules_without_networks_import_no_torch() -> None:
    for module, file in FILES.items():
        if module.split(".")[0] in {"errors", "files", "progress", "task", "text", "data", "parts", "config", "cli"}:
            assert "torch" not in _outside_imports(file), module


def _outside_imports(file: Path) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", FILES)
def test_files_stay_below_500_lines_and_functions_below_60(module: str) -> None:
    text = FILES[module].read_text()
    assert len(text.splitlines()) <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documented = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
            first = node.body[1] if documented and len(node.body) > 1 else node.body[0]
            lines = (node.end_lineno or 0) - first.lineno + 1
            assert lines <= 60, node.name


def test_public_names_are_listed() -> None:
    assert limelight.__all__ == [
        "AttentionPooling", "Auto", "Blocks", "ConvLSTM", "DecisionRule", "Explanation", "GRU", "InputError", "LSTM", "LastPooling",
        "LimelightError", "LinearHead", "MLPHead", "MaxPooling", "MeanPooling", "Panel", "Rocket", "SineSettings",
        "StepLabels", "TimeSeriesClassifier", "TrainingSettings", "align", "compare", "cut_windows", "from_keras", "generate_sine", "load", "merge_windows",
        "open_store", "read_table", "register_encoder", "tune", "validate", "write_store", "write_table",
    ]  # fmt: skip
    assert all(getattr(limelight, name) is not None for name in limelight.__all__)


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as error:
        limelight.Panell  # noqa: B018
    assert str(error.value) == "module 'limelight' has no attribute 'Panell'"


HEAVY = {"torch", "lightning", "sklearn", "matplotlib", "pandas", "scipy", "pyarrow", "pydantic", "plotly"}


@pytest.mark.parametrize(
    "command",
    ["import limelight", "import sys; sys.argv = ['limelight', '--help']\ntry: __import__('limelight.cli.app').cli.app.main()\nexcept SystemExit: pass"],
    ids=["import limelight", "limelight --help"],
)  # fmt: skip
def test_starting_loads_no_large_library(command: str) -> None:
    code = f"{command}\nimport sys; print('loaded:', *sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert loaded <= {"pydantic"}  # typer brings it


TABLE = "id,time,x,label\n" + "".join(
    f"s{row},{step},{(row % 2) * step},{'ab'[row % 2]}\n" for row in range(12) for step in range(8)
)


@pytest.mark.parametrize(
    ("arguments", "table", "status"),
    [
        (["inspect", "a.csv"], TABLE, 0),
        (["pack", "a.csv", "--output", "store"], TABLE, 0),
        (["train", "a.csv"], "", 2),
        (["train", "a.csv", "--label", "kind"], TABLE, 2),
    ],
    ids=["inspect", "pack", "train, empty file", "train, no such label"],
)
def test_commands_that_only_read_data_load_no_torch(
    arguments: list[str], table: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(table)
    code = f"""
import sys; sys.argv = ['limelight', *{arguments!r}]
try: __import__('limelight.cli.app').cli.app.main()
except SystemExit as end: print('status:', end.code)
print('loaded:', *sorted({{'torch', 'lightning', 'matplotlib', 'sklearn', 'scipy'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == [f"status: {status}", "loaded:"]


@pytest.mark.parametrize("command", ["predict", "evaluate", "explain", "monitor"])
def test_errors_in_a_table_of_new_series_load_no_torch(command: str, tmp_path: Path) -> None:
    save_model(random_network_model(channels=1), tmp_path / "model")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "words.csv").write_text(TABLE.replace(",1,b", ",one,b"))
    code = f"""
import sys
for table in ('empty.csv', 'words.csv', 'absent.csv'):
    sys.argv = ['limelight', '{command}', 'model', table]
    try: __import__('limelight.cli.app').cli.app.main()
    except SystemExit as end: print('status:', end.code)
print('loaded:', *sorted({{'torch', 'lightning', 'matplotlib', 'sklearn', 'scipy'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["status: 2"] * 3 + ["loaded:"], done.stderr


def test_a_closed_form_fit_loads_neither_lightning_nor_matplotlib() -> None:
    code = """
import sys
import numpy as np
from limelight import TimeSeriesClassifier
values = np.random.default_rng(0).standard_normal((20, 30, 1))
model = TimeSeriesClassifier(random_state=0).fit(values, np.arange(20) % 2)
model.predict(values)
print(model.model_.architecture.encoder.name, *sorted({"lightning", "matplotlib", "sklearn.metrics"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "blocks"


def test_the_drawn_tree_has_every_error_class() -> None:
    from limelight import errors

    classes = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(name in (errors.__doc__ or "") for name in classes)


PRIVATE_WORDS = {
    "Answer", "Ask", "Bring", "Give", "Go", "Hand", "Lay", "Let", "Make", "Put", "Refuse", "Say", "Settle", "Take", "Tell",
    "Turn",
}  # fmt: skip
"""Verbs that stood for return, compute, describe, convert, reject and others."""
NO_VERBS = {"A", "An", "All", "How", "Its", "The", "What", "Where", "Which", "Who", "Why"}


@pytest.mark.parametrize("module", FILES)
def test_docstrings_of_functions_begin_with_a_plain_verb(module: str) -> None:
    first = {
        node.name: documentation.split()[0].rstrip(".,:;")
        for node in ast.walk(ast.parse(FILES[module].read_text()))
        if isinstance(node, ast.FunctionDef) and not _is_property(node)
        if (documentation := ast.get_docstring(node)) is not None
    }
    assert {name: word for name, word in first.items() if word in PRIVATE_WORDS | NO_VERBS} == {}


def _is_property(node: ast.FunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


PUBLIC_TWICE = {"compare", "explain", "tune", "validate"}
"""Commands that share the name of the function they call."""


def test_a_public_name_is_defined_in_one_module() -> None:
    homes: dict[str, set[str]] = {}
    for module, file in FILES.items():
        for node in ast.parse(file.read_text()).body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            names += [node.name] if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []
            for name in names:
                homes.setdefault(name, set()).add(module)
    twice = {name: sorted(modules) for name, modules in homes.items() if len(modules) > 1 and not name.startswith("_")}
    assert set(twice) == PUBLIC_TWICE, twice


TESTS = Path(__file__).parent
WORDS_IN_A_NAME = 10


def test_names_of_tests_have_at_most_ten_words() -> None:
    long = [
        f"{file.relative_to(TESTS)}: {node.name}"
        for file in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and node.name.count("_") > WORDS_IN_A_NAME
    ]
    assert long == []
