"""Data in the memory of the device, from which batches are cut there: `loop.resident`."""
