"""Whether a night could be paid: a look at every part that it needs, each by itself, which changes nothing anywhere.

`diagnosis` is what a look says, `examination` lists the looks and what each needs; the other modules have the looks.
"""
