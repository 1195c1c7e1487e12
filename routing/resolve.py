"""From a model's name to the binding whose targets serve it."""

from routing.errors import BadRequest, EndpointNotFound, ModelNotBound, NoUsableUpstream
from routing.snapshot import Binding, RoutingTable


def binding_for(model: str | None, routing: RoutingTable) -> Binding:
    """The binding of a model's name, or the catch-all when no model is named.

    Raises BadRequest, ModelNotBound or NoUsableUpstream.
    """
    if model is None:
        if routing.catch_all is None:
            raise BadRequest(f"The request names no model, and no binding catches all. {_patterns(routing)}")
        return _usable(routing.catch_all, "")
    binding = routing.binding(model)
    if binding is None:
        raise ModelNotBound(f"No binding matches the model “{model[:200]}”. {_patterns(routing)}", model=model)
    return _usable(binding, model)


def binding_of_path(path: str, model: str | None, routing: RoutingTable) -> Binding:
    """Where a path goes that is none of ours, by the model of its body if there is one.

    Raises EndpointNotFound or NoUsableUpstream.
    """
    binding = (routing.binding(model) if model is not None else None) or routing.catch_all
    if binding is None:
        raise EndpointNotFound(
            f"/{path[:200]} is not an endpoint of this proxy, and no * binding says which upstream it could be for."
        )
    return _usable(binding, model or "")


def _usable(binding: Binding, model: str) -> Binding:
    if binding.targets:
        return binding
    asked = (
        f"The model “{model[:200]}” is bound by “{binding.pattern}”, and"
        if model
        else f"The binding “{binding.pattern}” leads nowhere:"
    )
    raise NoUsableUpstream(
        f"{asked} {binding.why_unusable}. Switch an upstream on or mend it in the admin, whose first page says what is "
        "wrong, or change or disable the binding.",
        model=model,
    )


def _patterns(routing: RoutingTable) -> str:
    if not routing.bindings:
        return "There are no bindings yet: add one in the admin."
    shown = [binding.pattern for binding in routing.bindings[:20]]
    more = f" and {len(routing.bindings) - 20} more" if len(routing.bindings) > 20 else ""
    return f"The patterns are: {', '.join(shown)}{more}."
