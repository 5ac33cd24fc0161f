"""What a user can count on, counted: mutated files, random kills, full disks, little memory, two processes at once."""
