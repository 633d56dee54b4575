"""What AWS answers when it refuses: which refusals are for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .base import DeliveryError

#: Codes that say something about this message or this address. Whatever else AWS says, a wrong
#: permission or a paused account included, an operator can mend, so it is tried again.
PERMANENT_CODES = frozenset(
    {
        "BadRequestException",
        "EndpointDisabled",
        "EndpointDisabledException",
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "MessageRejected",
        "NotFound",
        "NotFoundException",
        "OptedOut",
        "OptedOutException",
        "ParameterValueInvalid",
        "UserError",
        "ValidationError",
        "ValidationException",
    }
)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what boto3 raises into DeliveryError. The message names the code, never an address."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise DeliveryError(f"AWS refused: {code}", permanent=code in PERMANENT_CODES) from error
    except ParamValidationError as error:
        raise DeliveryError("AWS cannot take this message.", permanent=True) from error
    except BotoCoreError as error:
        raise DeliveryError(f"AWS was not reached: {type(error).__name__}") from error
