"""A small app for tests of the engine; installed only while a test uses `dynamodb`."""
