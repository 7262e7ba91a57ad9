"""Where the money of a match, player, payee or instruction came from and where it is: what `payouts explain` shows."""
