-- Whether a partition's list tells of contexts, too; lists from before do not, and maintenance lists those again.
alter table _bemi.listed_window add contexts boolean not null default false;
