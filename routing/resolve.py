"""From a model's name to the binding whose targets serve it."""

from routing.errors import BadRequest, EndpointNotFound, ModelNotBound
from routing.snapshot import Binding, RoutingTable


def binding_for(model: str | None, routing: RoutingTable) -> Binding:
    """The binding of a model's name, or the catch-all when no model is named.  Raises BadRequest or ModelNotBound."""
    if model is None:
        if routing.catch_all is None:
            raise BadRequest(f"The request names no model, and no binding catches all. {_patterns(routing)}")
        return routing.catch_all
    binding = routing.binding(model)
    if binding is None:
        raise ModelNotBound(f"No binding matches the model “{model[:200]}”. {_patterns(routing)}", model=model)
    return binding


def catch_all(routing: RoutingTable, path: str) -> Binding:
    """Where a path goes that names no model.  Raises EndpointNotFound."""
    if routing.catch_all is None:
        raise EndpointNotFound(
            f"/{path[:200]} is not an endpoint of this proxy, and no * binding says which upstream it could be for."
        )
    return routing.catch_all


def _patterns(routing: RoutingTable) -> str:
    if not routing.bindings:
        return "There are no bindings yet: add one in the admin."
    shown = [binding.pattern for binding in routing.bindings[:20]]
    more = f" and {len(routing.bindings) - 20} more" if len(routing.bindings) > 20 else ""
    return f"The patterns are: {', '.join(shown)}{more}."
