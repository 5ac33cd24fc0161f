"""Commands that run the server: `mousai serve` and `mousai ui`."""
