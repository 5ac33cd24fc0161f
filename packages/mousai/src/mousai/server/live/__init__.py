"""Music that is sent while it is made: a stream of the model, from the worker thread to one client."""
