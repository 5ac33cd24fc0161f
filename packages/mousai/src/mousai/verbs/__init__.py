"""What a user does beside making a piece and editing one: loops, variations, and making a piece again."""
