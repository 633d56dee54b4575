"""A Django database engine on DynamoDB. `README.md` in this folder says how it works."""
