"""Settings modules for Django's test suite, one per way of running it."""
