"""The door as an OpenAPI document (https://spec.openapis.org/oas/v3.1.1): `python -m inference.api.openapi` prints it,
and docs/openapi.json is what it prints. What requests may hold is taken from the classes that read them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from inference.api.bodies import MOST_FILES
from inference.api.fields import MODELS, Edit, Generation, Upscale, Variation
from inference.api.kserve import MOST_INSTANCES, Inference
from inference.requests import MAX_PROMPT_CHARS, MAX_SOURCES

Schema = dict[str, Any]

REFUSALS = {
    400: "A field cannot be so",
    401: "No key, or none of this studio",
    403: "Its person may not draw",
    404: "No such model or address",
    408: "The body took too long",
    409: "Cancelled, or another request under the same key",
    410: "The pictures have been deleted",
    413: "The body is too large",
    415: "The body is of another type",
    429: "As much as one may ask for has been asked for",
    500: "It could not be drawn",
    503: "Nothing can be drawn just now",
    504: "It took too long to draw",
}
OF_LOOKING = (401, 403, 404, 429, 503)
KEYED: list[Schema] = [{"key": []}]
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same request under the same key is drawn once, for a day",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
EVENTS: Schema = {"description": "Events, the data of each an object: previews, then each picture, or an error"}
MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "enum": list(MODELS)}}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}


def document() -> Schema:
    """All routes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kandinsky Studio",
            "version": "1",
            "description": "Programs draw in the name of a person: OpenAI's images API, KServe V1 and V2.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8090"}],
        "security": KEYED,
        "paths": {**_of_openai(), **_of_kserve()},
        "components": {
            "responses": {str(code): _refusal(why) for code, why in REFUSALS.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _error(), "Refusal": _object({"error": TEXT}), "Images": _images(), "Model": _model()},
        },
    }


def _of_openai() -> Schema:
    images = {**_json({"$ref": "#/components/schemas/Images"}), "text/event-stream": {"schema": EVENTS}}
    models = _object(
        {"object": {"const": "list"}, "data": _list({"$ref": "#/components/schemas/Model"}), "models": _list(TEXT)}
    )
    pictures = {"image": _files(), "image[]": _files()}
    return {
        "/health": {"get": _get("Whether the program answers", _object({"ok": TRUTH}), free=True)},
        "/v1/models": {"get": _get("All models", models)},
        "/v1/models/{model}": {
            "get": _get("One of them", {"$ref": "#/components/schemas/Model"}, parameters=[MODEL]),
        },
        "/v1/images/generations": {"post": _post("A picture from words", _json(_schema(Generation)), images)},
        "/v1/images/edits": {
            "post": _post("Pictures drawn anew, mixed or repaired", _form(Edit, pictures | {"mask": _file()}), images)
        },
        "/v1/images/variations": {
            "post": _post("Pictures like one", _form(Variation, {"image": _file()}), images),
        },
        "/v1/images/upscales": {"post": _post("A picture enlarged", _form(Upscale, {"image": _file()}), images)},
        "/v1/queue": {"get": _get("The line, as the caller may see it", _line())},
    }


def _of_kserve() -> Schema:
    ready = _object({"name": TEXT, "ready": TRUTH}, required=("ready",))
    return {
        "/v1/models/{model}:predict": {
            "post": _post("V1: pictures from words", _json(_instances()), _json({"type": "object"}), model=True)
        },
        "/v2": {
            "get": _get("V2: what this server is", _object({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)}))
        },
        "/v2/health/live": {"get": _get("V2: whether the program answers", _object({"live": TRUTH}), free=True)},
        "/v2/health/ready": {"get": _get("V2: whether anything would be drawn", _object({"ready": TRUTH}), free=True)},
        "/v2/models/{model}": {
            "get": _get("V2: what a model takes and gives", _object({"name": TEXT}), parameters=[MODEL]),
        },
        "/v2/models/{model}/ready": {"get": _get("V2: whether a model would draw", ready, parameters=[MODEL])},
        "/v2/models/{model}/infer": {
            "post": _post("V2: pictures from words", _json(_schema(Inference)), _json({"type": "object"}), model=True)
        },
    }


def _get(summary: str, answer: Schema, *, free: bool = False, parameters: list[Schema] | None = None) -> Schema:
    told: Schema = {"summary": summary, "responses": {"200": _answer("Well", _json(answer))}}
    if parameters:
        told["parameters"] = parameters
    if free:
        told["security"] = []
        told["responses"]["503"] = _answer("Not now", _json(answer))
    else:
        told["responses"] |= _refusals(OF_LOOKING)
    return told


def _post(summary: str, body: Schema, answer: Schema, *, model: bool = False) -> Schema:
    return {
        "summary": summary,
        "parameters": [*([MODEL] if model else []), ONCE],
        "requestBody": {"required": True, "content": body},
        "responses": {"200": _answer("Drawn", answer), **_refusals(tuple(REFUSALS))},
    }


def _answer(description: str, content: Schema) -> Schema:
    return {"description": description, "headers": {"x-request-id": {"schema": TEXT}}, "content": content}


def _refusals(codes: tuple[int, ...]) -> Schema:
    return {str(code): {"$ref": f"#/components/responses/{code}"} for code in codes}


def _refusal(description: str) -> Schema:
    """An error has the form of its protocol; a model that is not ready says so in its usual one."""
    forms = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Error", "Refusal", "Model")]}
    return _answer(description, _json(forms))


def _schema(model: type[BaseModel]) -> Schema:
    """What a class reads, in one piece."""
    return _plain(model.model_json_schema(ref_template="#/$defs/{model}"))


def _plain(schema: Schema) -> Schema:
    """References within a schema written out, names of classes left out."""
    parts = schema.pop("$defs", {})

    def written_out(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return written_out(parts[value["$ref"].rpartition("/")[2]])
            titled = isinstance(value.get("title"), str)
            return {name: written_out(part) for name, part in value.items() if not (titled and name == "title")}
        return [written_out(part) for part in value] if isinstance(value, list) else value

    whole: Schema = written_out(schema)
    return whole


def _form(model: type[BaseModel], files: Schema) -> Schema:
    """A form with these fields, of which none is null, and files."""
    schema = _schema(model)
    for name, field in schema["properties"].items():
        kinds = [kind for kind in field.get("anyOf", ()) if kind.get("type") != "null"]
        if len(kinds) == 1:
            schema["properties"][name] = kinds[0]
    schema["properties"] |= files
    schema["required"] = [*schema.get("required", ()), "image"]
    return {"multipart/form-data": {"schema": schema}}


def _instances() -> Schema:
    words = {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS}
    instance = _object({"query": words, "params": {"type": "object"}}, required=("query",)) | {
        "additionalProperties": False
    }
    instances = {"type": "array", "minItems": 1, "maxItems": MOST_INSTANCES, "items": instance}
    return _object({"instances": instances}, required=("instances",))


def _error() -> Schema:
    maybe = {"type": ["string", "null"]}
    return _object({"error": _object({"message": TEXT, "type": TEXT, "param": maybe, "code": TEXT})})


def _images() -> Schema:
    picture = _object({"b64_json": TEXT, "revised_prompt": TEXT, "seed": NUMBER})
    about = {"created": NUMBER, "background": TEXT, "output_format": TEXT, "quality": TEXT, "size": TEXT}
    return _object({**about, "data": _list(picture)})


def _model() -> Schema:
    told = {"id": TEXT, "object": TEXT, "created": NUMBER, "owned_by": TEXT}
    more = {"name": TEXT, "ready": TRUTH, "label": TEXT, "kinds": _list(TEXT), "sizes": _list(TEXT)}
    return _object({**told, **more}, required=tuple(told))


def _line() -> Schema:
    place = {
        "job": NUMBER,
        "state": TEXT,
        "place": {"type": ["integer", "null"]},
        "eta_seconds": {"type": ["number", "null"]},
    }
    return _object({"ready": TRUTH, "waiting": NUMBER, "running": NUMBER, "own": _list(_object(place))})


def _file() -> Schema:
    return {"type": "string", "format": "binary"}


def _files() -> Schema:
    assert MAX_SOURCES < MOST_FILES  # a mask beside them
    return {"type": "array", "items": _file(), "maxItems": MAX_SOURCES}


def _object(properties: Schema, *, required: tuple[str, ...] | None = None) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties if required is None else required)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def written() -> str:
    """The document as it stands in docs/openapi.json."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(written(), end="")
