"""Models, data and queries for comparing the engine with SQLite."""
