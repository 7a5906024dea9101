"""Which kinds of request there are. Every request that is read, from the wire or from a row, is looked up here by its
kind, at that moment."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, PlainValidator, SerializeAsAny, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from inference.requests.base import Price, Request
from inference.requests.fields import InvalidRequest, passes_over

REQUESTS: dict[str, type[Request]] = {}  # by kind, in the order of registration


def register(*types: type[Request]) -> None:
    """Makes every kind of `types` known. Raises ValueError where two types claim the same kind."""
    for request_type in types:
        kinds = kinds_of(request_type)
        taken = next((kind for kind in kinds if kind in REQUESTS), None)
        if taken is not None:
            raise ValueError(f"{taken} is claimed by {request_type.__name__} and {REQUESTS[taken].__name__}")
        REQUESTS.update(dict.fromkeys(kinds, request_type))


def kinds_of(request_type: type[Request]) -> tuple[str, ...]:
    """The kinds that a type stands for. Raises TypeError where its field `kind` names none."""
    kinds = get_args(request_type.model_fields["kind"].annotation) if "kind" in request_type.model_fields else ()
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise TypeError(f"the field kind of {request_type.__name__} must be a Literal of its kinds")
    return kinds


def kind_in(compatibility: str) -> str:
    """The kind of a request, from the key under which it shares passes, which begins with that."""
    return compatibility.partition(":")[0]


def price_of(kind: str) -> Price:
    """What requests of a kind cost a megapixel; the usual where a row names a kind that is no more."""
    return REQUESTS[kind].PRICES.get(kind, Price()) if kind in REQUESTS else Price()


def _known(kind: str) -> str:
    if kind not in REQUESTS:
        raise ValueError(f"must be one of {', '.join(REQUESTS)}")
    return kind


def _by_kind(given: object, info: ValidationInfo) -> Request:
    """The request that a mapping describes, or the request given. Raises ValidationError."""
    if not isinstance(given, dict | Request):
        raise PydanticCustomError("request_type", "must be an object with the fields of a request")
    kind = given.get("kind") if isinstance(given, dict) else given.kind
    if not isinstance(kind, str) or kind not in REQUESTS:
        unknown = PydanticCustomError("unknown_kind", "must be one of {kinds}", {"kinds": ", ".join(REQUESTS)})
        raise ValidationError.from_exception_data(
            "Request", [InitErrorDetails(type=unknown, loc=("kind",), input=kind)]
        )
    extra: Literal["ignore"] | None = "ignore" if passes_over(info) else None
    return REQUESTS[kind].model_validate(given, extra=extra, context=info.context)


Kind = Annotated[str, AfterValidator(_known)]  # one that is registered
AnyRequest = Annotated[Request, PlainValidator(_by_kind), SerializeAsAny()]  # of whatever kind
_REQUEST: TypeAdapter[Request] = TypeAdapter(AnyRequest)


def parse_request(fields: dict[str, Any] | str | bytes) -> Request:
    """The request that a mapping or a JSON text describes. Raises InvalidRequest that names the first wrong field."""
    try:
        return _REQUEST.validate_python(fields) if isinstance(fields, dict) else _REQUEST.validate_json(fields)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        raise InvalidRequest(".".join(map(str, first["loc"])) or "request", first["msg"]) from refusal
