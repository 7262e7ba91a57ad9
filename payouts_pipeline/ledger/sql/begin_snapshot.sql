-- Everything that follows in this transaction sees one moment, and can write nothing.
set transaction isolation level repeatable read, read only
