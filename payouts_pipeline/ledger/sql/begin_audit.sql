-- Everything that follows in this transaction sees one moment, whatever runs meanwhile.
set transaction isolation level repeatable read
