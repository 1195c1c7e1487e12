"""What one upstream needs done to a request body whatever the rules say: its quirks, and its own three lists."""

from collections.abc import Mapping
from typing import Any

from routing import kinds
from routing.dialects.capabilities import GENERATE_SAMPLING
from routing.json_values import copied, same
from routing.snapshot import Upstream

BILLING_HEADER = "x-anthropic-billing-header"


def adjusted(body: dict[str, Any], upstream: Upstream, path: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The body as this upstream takes it, and (field, origin) for each field that was touched.

    Order: the kind's quirks, then drop_params, rename_params, set_params.  `body` itself is not changed; when nothing
    has to be done the very same object comes back.  On `generate` the three lists reach into `sampling_params` as well.
    """
    quirks = kinds.quirks(upstream.kind)
    touched: list[tuple[str, str]] = []
    if quirks is kinds.NO_QUIRKS and not (upstream.drop_params or upstream.rename_params or upstream.set_params):
        return body, touched
    result = dict(body)
    for name in (*(quirks.drop & body.keys()), *upstream.drop_params):
        if result.pop(name, touched) is not touched:
            touched.append((name, f"upstream {upstream.name}: drop"))
    for name in quirks.only_boolean & result.keys():
        if not isinstance(result[name], bool):
            del result[name]
            touched.append((name, f"upstream {upstream.name}: only true or false"))
    if quirks.embeddings_as_float and path == "embeddings" and result.get("encoding_format") == "base64":
        result["encoding_format"] = "float"
        touched.append(("encoding_format", f"upstream {upstream.name}: no base64"))
    for old, new in upstream.rename_params.items():
        if old in result:
            value = result.pop(old)
            result.setdefault(new, value)
            touched += [(old, f"upstream {upstream.name}: rename"), (new, f"upstream {upstream.name}: rename")]
    nested = frozenset[str]()
    if path == "generate":
        nested = GENERATE_SAMPLING & upstream.set_params.keys()
        _adjust_sampling(result, upstream, nested, touched)
    for name, value in upstream.set_params.items():
        if name in nested:
            continue
        if name not in result or not same(result[name], value):
            result[name] = copied(value)
            touched.append((name, f"upstream {upstream.name}: set"))
    return (result, touched) if touched else (body, touched)


def _adjust_sampling(
    result: dict[str, Any], upstream: Upstream, nested: frozenset[str], touched: list[tuple[str, str]]
) -> None:
    """The upstream's lists inside `sampling_params`, which may be a list of such objects (a batch), or missing."""
    before = result.get("sampling_params")
    if before is None and nested:
        before = {}
    batch = before if isinstance(before, list) else [before]
    adjusted_batch = [_sampling(item, upstream, nested) if isinstance(item, dict) else item for item in batch]
    if not same(adjusted_batch, batch) or (nested and "sampling_params" not in result):
        result["sampling_params"] = adjusted_batch if isinstance(before, list) else adjusted_batch[0]
        touched.append(("sampling_params", f"upstream {upstream.name}: drop, rename or set"))


def _sampling(parameters: dict[str, Any], upstream: Upstream, nested: frozenset[str]) -> dict[str, Any]:
    kept = {name: value for name, value in parameters.items() if name not in upstream.drop_params}
    for old, new in upstream.rename_params.items():
        if old in kept:
            value = kept.pop(old)
            kept.setdefault(new, value)
    return kept | {name: copied(upstream.set_params[name]) for name in sorted(nested)}


def without_billing_header(body: Mapping[str, Any]) -> list[Any] | None:
    """The `system` list without Claude Code's billing block, None if there is none.

    The block differs in every request and stands first, so a server that keeps it never finds its prompt cache.
    """
    system = body.get("system")
    if not isinstance(system, list):
        return None
    kept = [block for block in system if not _is_billing_block(block)]
    return kept if len(kept) != len(system) else None


def _is_billing_block(block: Any) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.lstrip().startswith(BILLING_HEADER)
