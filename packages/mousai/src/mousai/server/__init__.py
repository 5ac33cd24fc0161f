"""The server behind `mousai serve` and `mousai ui`: one model, a queue of jobs, an HTTP API and the page."""
