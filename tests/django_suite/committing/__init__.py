"""The engine, saying that it has no transactions."""
