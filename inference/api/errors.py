"""Why a program does not get what it has asked for, in the forms of both protocols."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

from aiohttp import web

REFUSED: web.RequestKey[str] = web.RequestKey("refused", str)
"""The code of the refusal that a request has met with."""
_KINDS = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


class ApiError(Exception):
    """An answer that is no picture. `message` is one English sentence for whoever wrote the program, `code` a word for
    the program, `param` the field that is wrong. `retry_after` is in seconds; `again` says whether asking once more may
    help, where the status does not say so."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        again: bool | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = HTTPStatus(status)
        self.code = code
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self.again = again

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the answer. OpenAI's own clients heed `x-should-retry`."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.again is not None:
            headers["x-should-retry"] = "true" if self.again else "false"
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers

    def body(self) -> dict[str, Any]:
        """As OpenAI's API says it."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def answer_to(error: ApiError, path: str) -> web.Response:
    """The answer, in the form of the protocol that the path belongs to."""
    of_kserve = path.startswith("/v2") or path.endswith(":predict")
    body = {"error": error.message} if of_kserve else error.body()
    return web.Response(
        status=error.status,
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        content_type="application/json",
        headers=error.headers,
    )


def wrong(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """A field that cannot be so."""
    return ApiError(HTTPStatus.BAD_REQUEST, code, message, param=param)
