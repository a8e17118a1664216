-- Generated columns that the stream leaves out: in every row of the past they are unknown. Null: an older release did
-- not note them.
alter table _bemi.relation_version add unsent text[];
alter type _bemi.place add attribute unsent text[];
