"""The bench: what the gateway costs, beside what people would use instead. README.md explains it."""
