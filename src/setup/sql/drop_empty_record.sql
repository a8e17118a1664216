-- Takes the record of what was there before away, once it says nothing any more.
do $$ begin
  if not exists (select from _bemi_setup.made) and not exists (select from _bemi_setup.former_identity) then
    drop table _bemi_setup.made, _bemi_setup.former_identity;
    if not exists (select from pg_class where relnamespace = '_bemi_setup'::regnamespace) then
      drop schema _bemi_setup;
    end if;
  end if;
end $$;
