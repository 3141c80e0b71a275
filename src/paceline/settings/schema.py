"""The JSON Schema of a study file, for editors that complete and check while one writes.

All but the search space comes from the models; the forms of a parameter are those of `paceline.space.parse`.
"""

from typing import Any

from paceline.settings.models import StudySettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_COMMON: dict[str, Any] = {
    "when": {
        "type": "object",
        "description": "Parent parameter -> its value or values with which this parameter is active.",
    },
    "per": {
        "type": "string",
        "description": "Parameter that counts, e.g. layers; this one is then a list with one value each.",
    },
}
_RANGE: dict[str, Any] = {
    "type": "object",
    "title": "Range",
    "description": "A number between two ends, both included: a whole number if both are (and the step), else a float.",
    "properties": {
        "low": {"type": "number", "description": "Smallest value."},
        "high": {"type": "number", "description": "Largest value."},
        "step": {"type": "number", "exclusiveMinimum": 0, "description": "Distance of the values, counted from low."},
        "scale": {
            "enum": ["linear", "log", "logit"],
            "default": "linear",
            "description": "What draws are uniform on; log needs low > 0, logit 0 < low < high < 1.",
        },
        "type": {"enum": ["float", "int"], "description": "Which kind, where the ends leave it open."},
        **_COMMON,
    },
    "required": ["low", "high"],
    "additionalProperties": False,
}
_CHOICE: dict[str, Any] = {
    "type": "object",
    "title": "Choice",
    "description": "One of several values.",
    "properties": {
        "choices": {"type": "array", "minItems": 1, "description": "The values, all different."},
        "weights": {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0},
            "description": "How often each is drawn, in any unit; else equally often.",
        },
        "ordered": {"type": "boolean", "description": "Whether neighbours are alike; else true for rising numbers."},
        **_COMMON,
    },
    "required": ["choices"],
    "additionalProperties": False,
}
_FIXED: dict[str, Any] = {
    "type": "object",
    "title": "Fixed",
    "description": "A constant.",
    "properties": {"value": {"description": "The value."}, **_COMMON},
    "required": ["value"],
    "additionalProperties": False,
}
_PARAMETER: dict[str, Any] = {
    "description": "A range, a list of choices, or a constant.",
    "anyOf": [
        {"type": "array", "minItems": 1, "description": "Choices, in short."},
        {"type": ["string", "number", "boolean", "null"], "description": "A constant, in short."},
        _RANGE,
        _CHOICE,
        _FIXED,
    ],
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a study file, with a description of each setting."""
    schema = StudySettings.model_json_schema()
    search = schema["properties"]["search"]
    schema["properties"]["search"] = {
        "anyOf": [
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/Parameter"}},
            {"type": "null"},
        ],
        **{key: value for key, value in search.items() if key != "anyOf"},
    }
    schema["$defs"]["Parameter"] = _PARAMETER
    return {"$schema": DIALECT, **schema, "title": "Paceline study file"}
