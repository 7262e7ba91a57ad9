"""Where the money of a match, player, payee or instruction came from and where it is: what `payouts explain` shows.

`snapshot` fetches what the ledger has of the subject, in one transaction, and `league_now` what `league` says of it
now. `assemble` makes the document of that, with `funds_location` for where each part is; it reads nothing.
"""
