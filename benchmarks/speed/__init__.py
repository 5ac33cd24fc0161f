"""How fast is it: against the authors' library, against the machine, and with the length of the music."""
