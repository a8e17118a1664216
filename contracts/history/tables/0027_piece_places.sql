-- An interrupted baseline goes on in another snapshot, with the pieces of the first one. What they hold is known from
-- where it was read, and only as long as the table keeps its shape. Pieces of before are read again.
delete from _bemi.baseline_piece;
alter table _bemi.baseline_piece add position bigint not null;
alter table _bemi.baseline_piece add shape text not null;
