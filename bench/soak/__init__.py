"""The soak: mixed traffic for minutes, every octet checked, and what the gateway holds on to afterwards."""
