"""How Django writes raw values per language: numbers with a point, always."""
