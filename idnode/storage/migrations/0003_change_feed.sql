-- The change feed asks for the rows of transactions that an earlier snapshot did not see. Every month gets its part of the
-- index, those that ensure_change_partition makes later too.
CREATE INDEX change_xid ON change (xid);
