-- What a baseline under way has read and stored: cut short, it goes on with the rest.
create table _bemi.baseline_piece (
  source text not null,
  epoch int not null,
  relation bigint not null,
  leaf bigint not null,
  file bigint not null,
  first_block bigint not null,
  primary key (source, epoch, relation, leaf, file, first_block)
);
