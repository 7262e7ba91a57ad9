-- Makes room for the sums of the next part.
drop table postings
