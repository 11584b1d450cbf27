"""The data path: what crosses the gateway between a browser and an upstream."""
