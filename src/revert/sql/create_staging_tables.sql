create temp table _bemi_net (
  n bigint not null, tab int not null, kind "char" not null, shape int not null, key text,
  target jsonb not null, target_exact jsonb not null, expected jsonb not null, expected_exact jsonb not null,
  conflict text, conflict_columns int[] not null, later text[] not null
) on commit drop;
create temp table _bemi_shape (shape int primary key, tab int not null, kind "char" not null, columns int[] not null)
on commit drop;
create temp table _bemi_live (n bigint not null, at tid not null, rel oid not null, moved int[] not null,
                              same int[] not null) on commit drop
