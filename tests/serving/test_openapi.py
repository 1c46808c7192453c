"""The server behaves as its OpenAPI description states: schemathesis draws requests from it, valid and broken ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from limelight.export.onnx_file import export_model
from limelight.model.fitted import FittedModel
from limelight.nn.network import Network
from limelight.parts.architecture import Architecture
from limelight.task import Task
from support.server import served

schemathesis = pytest.importorskip("schemathesis", reason="make fuzz installs schemathesis")


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("described")
    architecture = Architecture.of({"name": "gru", "hidden_size": 4}, "attention", missing="mean")
    model = FittedModel(Task(("a", "b")), architecture, Network(architecture, 1, 1), ("value",))
    export_model(model, folder / "model.onnx")
    with served([folder / "model.onnx"]) as client:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{client.port}/openapi.json")


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_responses_match_the_description(mode: str, description: Any) -> None:
    schemathesis.checks.load_all_checks()
    unknown = schemathesis.checks.CHECKS.get_one("positive_data_acceptance")
    operations = [found.ok() for found in description.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/v1/models/{name}/predict", "/v1/models/{name}"}
    for operation in (one for one in operations if mode == "POSITIVE" or "{" in one.path):

        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(getattr(schemathesis.GenerationMode, mode)))
        def check(case: Any) -> None:
            case.call_and_validate(excluded_checks=[unknown])  # a schema cannot state what a table holds

        check()
