"""Buttons above a form that do something: they send a POST, so that no link and no reload of a page does it again."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from unfold.decorators import action

Method = Callable[..., HttpResponse]


def post_action(description: str, url_path: str, *, icon: str) -> Callable[[Method], Any]:
    """An action of a row's page for those who may change it.  `admin.js` sends what has `data-post` as a POST."""

    def decorated(method: Method) -> Any:
        @wraps(method)
        def only_posted(model_admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            return method(model_admin, request, *args, **kwargs)

        as_action = action(
            description=description, url_path=url_path, permissions=["change"], icon=icon, attrs={"data-post": "yes"}
        )
        return as_action(only_posted)

    return decorated
