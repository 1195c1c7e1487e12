"""“Ask it now” of a validator model: shows it a good text and a loop, and says what it makes of them."""

import asyncio
import time

from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError

from proxysite.gateway.validator import of_a_validator, opinion_of, server_of
from routing.errors import ProxyError
from routing.upstream import Upstreams
from validation.asks import Ask
from validation.channels import Channel
from validation.loading import validator_of
from validation.models import Validator
from validation.opinion import NotAVerdict, Opinion
from validation.snapshot import ValidatorTarget

WAIT_SECONDS = 30.0

GOOD = (
    "The tide comes in twice a day along this coast, and the fishermen know its hours better than the clock in the "
    "church. Early in the morning they push the boats over the wet sand, talk little, and look at the sky."
)
LOOP = GOOD + " Then they look at the sky once more." * 12


def asked(row: Validator) -> tuple[bool, str]:
    """Whether it judged both as they are, and a sentence for the person who asked."""
    began = time.monotonic()
    try:
        good, loop = async_to_sync(_opinions)(validator_of(row))
    except ValidationError as problem:
        return False, " ".join(problem.messages)
    except ProxyError as problem:
        return False, of_a_validator(problem)
    except TimeoutError:
        return False, f"{row.name} gave no verdict within {WAIT_SECONDS:g} s."
    except NotAVerdict as problem:
        return False, f"{row.name} answered, but gave no verdict: {problem}"
    took = (time.monotonic() - began) / 2
    right = good.is_valid and not loop.is_valid and not loop.is_contradictory
    said = f"{row.name} took {took:.1f} s for a verdict. A good text is {_words(good)}, a loop is {_words(loop)}."
    return right, said if right else f"{said} That is not right: other settings or another model may do better."


async def _opinions(target: ValidatorTarget) -> tuple[Opinion, Opinion]:
    upstreams, server = Upstreams(), server_of(target)
    try:
        async with asyncio.timeout(min(target.timeout_seconds, WAIT_SECONDS)):
            good = await opinion_of(target, Ask(Channel.TEXT, GOOD, at_end=True), server, upstreams)
            return good, await opinion_of(target, Ask(Channel.TEXT, LOOP, at_end=True), server, upstreams)
    finally:
        await upstreams.aclose()


def _words(said: Opinion) -> str:
    if said.is_valid:
        return "valid to it"
    return f"{said.issue_type or 'garbage of no kind'} to it ({said.confidence:g})"
