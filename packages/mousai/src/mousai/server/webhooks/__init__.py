"""Webhooks: requests that tell a receiver of the client's choice what becomes of its job."""
