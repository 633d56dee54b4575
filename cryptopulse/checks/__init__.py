"""What is wrong or missing in the settings, each with an id and with how to mend it.

E: the product would not work. W: it works, but not as a production should; most of these are
looked at by `check --deploy` alone. What cannot even be read is refused by `environment`; W001
is said by `finders`; numbers from 100 on are about DynamoDB. Importing this package registers the
checks.
"""

from . import dynamodb, messages, prices, site, storage

__all__ = ["dynamodb", "messages", "prices", "site", "storage"]
