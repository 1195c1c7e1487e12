"""The installation diagnoses itself, with an id and a way out.

`configuration_messages` looks at a configuration; the admin's overview shows what it finds, and so does
`manage.py check --database default`.
"""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.db import DatabaseError

from proxysite.live import LiveConfig, unknown_families
from routing import loading as routing_loading
from routing.secrets import short_key
from sampling import loading as sampling_loading
from validation import loading as validation_loading
from validation.snapshot import ValidateOn

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def configuration_messages(config: LiveConfig) -> list[CheckMessage]:
    """What a person should know about a configuration before the first request fails.  No query."""
    found: list[CheckMessage] = []
    if not config.routing.upstreams:
        found.append(
            checks.Warning(
                "No upstream is enabled; every request will be refused.",
                hint="Add one at /admin/routing/upstream/add/ or run: manage.py loaddata config_sample",
                id="proxysite.W001",
            )
        )
    elif not any(binding.targets for binding in config.routing.bindings):
        found.append(
            checks.Warning(
                "No binding leads to an upstream; every request that names a model will be refused.",
                hint="Add one at /admin/routing/modelbinding/add/: the pattern * sends every model to one upstream.",
                id="proxysite.W002",
            )
        )
    elif config.routing.catch_all is None:
        found.append(
            checks.Info(
                "No binding catches every other name: models that no pattern matches are refused.",
                hint="If they should go somewhere, add a binding for * at /admin/routing/modelbinding/add/.",
                id="proxysite.I001",
            )
        )
    found += _open_to_the_network(config)
    found += _short_keys(config)
    found += _judging_nothing(config)
    found += [
        checks.Warning(f"{_capitalised(str(problem))}.", obj=problem.row, id="proxysite.W003")
        for problem in config.problems
    ]
    return found


def _open_to_the_network(config: LiveConfig) -> list[CheckMessage]:
    """Stored keys that whoever reaches the proxy may use."""
    env = settings.ENV
    spent = sorted(upstream.name for upstream in config.routing.upstreams if upstream.key)
    if not spent or env["HOST"] in LOOPBACK or env["LOCAL_API_KEY"]:
        return []
    return [
        checks.Warning(
            f"Whoever reaches the proxy on {env['HOST']} may use the keys stored for {', '.join(spent)}.",
            hint="Set LOCAL_API_KEY, so that clients must send a key of yours, or HOST=127.0.0.1.",
            id="proxysite.W006",
        )
    ]


def _short_keys(config: LiveConfig) -> list[CheckMessage]:
    """Keys that are not masked although they may be meant as secrets."""
    found = [(f"stored for the upstream “{upstream.name}”", upstream.key) for upstream in config.routing.upstreams]
    validators = (policy.validator for policy in config.validation.policies if policy.validator)
    found += [(f"stored for the validator “{validator.name}”", validator.key) for validator in validators]
    found += [("in LOCAL_API_KEY", key) for key in settings.ENV["LOCAL_API_KEY"]]
    return [
        checks.Warning(f"The key {where} is not masked in records and logs: {problem}", id="proxysite.W007")
        for where, problem in dict.fromkeys((where, short_key(key)) for where, key in found)
        if problem
    ]


def _judging_nothing(config: LiveConfig) -> list[CheckMessage]:
    """Policies that are on, and under which no answer is ever judged."""
    found: list[CheckMessage] = []
    for policy in config.validation.policies:
        if not policy.judges:
            why, hint = "it has neither built-in detectors nor a validator model", "Give it one, or switch it off."
        elif not policy.detectors and policy.validate_on is ValidateOn.SUSPICION:
            why = "its validator model is asked only where built-in detectors are in doubt, and it has none"
            hint = "Switch the detectors on, or have it asked about every answer."
        else:
            continue
        text = f"The policy for {policy.model_pattern} judges nothing: {why}."
        found.append(checks.Warning(text, hint=hint, id="proxysite.W005"))
    return found


@checks.register(Tags.database)
def check_configuration(databases: list[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Only when a database is to be checked, and quiet while its tables are not there yet."""
    if not databases:
        return []
    try:
        routing, routing_problems = routing_loading.load()
        sampling, sampling_problems = sampling_loading.load()
        validation, validation_problems = validation_loading.load()
    except DatabaseError:
        return []
    problems = (*routing_problems, *sampling_problems, *validation_problems, *unknown_families(routing))
    config = LiveConfig(routing=routing, sampling=sampling, validation=validation, problems=problems)
    return configuration_messages(config)


@checks.register(Tags.security)
def check_debug(**kwargs: Any) -> list[CheckMessage]:
    """DEBUG shows settings and variables to whoever meets an error; that must not be the network."""
    if not settings.DEBUG or settings.ENV["HOST"] in LOOPBACK:
        return []
    return [
        checks.Warning(
            f"DEBUG is on while the proxy listens on {settings.ENV['HOST']}: its error pages show internals.",
            hint="Set DEBUG=false, or HOST=127.0.0.1.",
            id="proxysite.W004",
        )
    ]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")
