-- storage.buckets: what kinds of files there are, and what each accepts. Seeds and migrations write it.

create table storage.buckets (
    id                 text not null,
    name               text not null,
    public             boolean not null default false,
    file_size_limit    bigint not null,
    allowed_mime_types text[] not null,

    constraint buckets_pkey primary key (id),
    constraint buckets_name_key unique (name),
    constraint buckets_file_size_limit_positive check (file_size_limit > 0)
);

comment on table storage.buckets is 'Kinds of files, with their limits.';
comment on column storage.buckets.public is 'Whether everybody may read the objects, whoever owns them.';
comment on column storage.buckets.file_size_limit is 'The largest object, in bytes.';
comment on column storage.buckets.allowed_mime_types is 'Types it accepts, e.g. application/pdf or image/*; image/svg+xml is refused all the same.';
