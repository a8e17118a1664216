-- Which characters of U+0080 to U+FFFF the database's encoding has: one digit for each, 1 or 0, in a setting of the
-- transaction, since a block returns nothing.
do $$
declare
  bytes bytea;
  known text[] := '{}';
begin
  for code in 128 .. 65535 loop
    if code < 2048 then
      bytes := pg_catalog.set_byte(pg_catalog.set_byte('\x0000', 0, 192 | (code >> 6)), 1, 128 | (code & 63));
    else
      bytes := pg_catalog.set_byte(pg_catalog.set_byte(pg_catalog.set_byte('\x000000',
        0, 224 | (code >> 12)), 1, 128 | ((code >> 6) & 63)), 2, 128 | (code & 63));
    end if;
    begin
      perform pg_catalog.convert(bytes, 'UTF8', pg_catalog.getdatabaseencoding());
      known[code - 127] := '1';
    exception when data_exception then
      known[code - 127] := '0';
    end;
  end loop;
  perform pg_catalog.set_config('bemi.characters', pg_catalog.array_to_string(known, ''), true);
end $$;
select pg_catalog.current_setting('bemi.characters');
