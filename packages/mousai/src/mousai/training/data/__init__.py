"""Files and songs, and the items that are cut from them: everything about item n follows from (seed, n)."""
