"""A sandbox against a packaged document, with requests that schemathesis makes up."""
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# (schemathesis declares its checks only in part)

from importlib.resources import files
from typing import Any

import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from telefonie_mcp.sandbox import create_sandbox

EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
"""What holds for a document that declares its refusals too."""


def document(name: str) -> Any:
    """Return the packaged document of a toolset."""
    return yaml.safe_load(
        files("telefonie_mcp.openapi").joinpath(f"data/telefonie-{name}-openapi.yml").read_text("utf-8")
    )


def implemented(tree: Any) -> BaseSchema:
    """Return the schema of a document, answered by a new sandbox."""
    schema = schemathesis.openapi.from_dict(tree)
    schema.app = create_sandbox(":memory:", embedded=True)
    return schema
