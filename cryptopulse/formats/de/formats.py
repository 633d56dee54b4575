"""Raw numbers go into attributes, SVG and scripts: a point, no groups."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ""
NUMBER_GROUPING = 0
