"""What is wrong or missing in the settings, each with an id and with how to mend it.

E: the product would not work. W: it works, but not as a production should; most of these are
looked at by `check --deploy` alone. What cannot even be read is refused by `environment`; W001
is said by `finders`. Importing this package registers the checks.
"""

from . import messages, prices, site, storage

__all__ = ["messages", "prices", "site", "storage"]
