-- core.queue_lanes: one lane per queue and priority (a fair queue has one), each with its low-water mark in a sequence.
--
-- Claimed rows are deleted, but while an old snapshot is open nothing may remove them from the index, and every claim would walk over
-- all of them. The mark says where the lane's first waiting job can be, so a claim starts there. It lives in a sequence because a
-- sequence is changed in place: a row would leave a dead version behind at every change, which is the very thing to get away from.
-- The mark may be too high for a job whose transaction committed late; core.sweep_lanes looks below it and lowers it.

create sequence core.queue_swept_at;
create sequence core.queue_scheduled_low;

comment on sequence core.queue_swept_at is 'Until when (µs since 2000) core.sweep_lanes rests.';
comment on sequence core.queue_scheduled_low is 'Low-water mark of core.jobs_scheduled: µs since 2000.';

-- Declared rather than made when a lane is, so that a database with many lanes has the objects its declaration names. A lane beyond the
-- last one has no mark: it works, and is slow only while an old snapshot is open.
create sequence core.queue_mark_01 minvalue -9223372036854775808;
create sequence core.queue_mark_02 minvalue -9223372036854775808;
create sequence core.queue_mark_03 minvalue -9223372036854775808;
create sequence core.queue_mark_04 minvalue -9223372036854775808;
create sequence core.queue_mark_05 minvalue -9223372036854775808;
create sequence core.queue_mark_06 minvalue -9223372036854775808;
create sequence core.queue_mark_07 minvalue -9223372036854775808;
create sequence core.queue_mark_08 minvalue -9223372036854775808;
create sequence core.queue_mark_09 minvalue -9223372036854775808;
create sequence core.queue_mark_10 minvalue -9223372036854775808;
create sequence core.queue_mark_11 minvalue -9223372036854775808;
create sequence core.queue_mark_12 minvalue -9223372036854775808;
create sequence core.queue_mark_13 minvalue -9223372036854775808;
create sequence core.queue_mark_14 minvalue -9223372036854775808;
create sequence core.queue_mark_15 minvalue -9223372036854775808;
create sequence core.queue_mark_16 minvalue -9223372036854775808;
create sequence core.queue_mark_17 minvalue -9223372036854775808;
create sequence core.queue_mark_18 minvalue -9223372036854775808;
create sequence core.queue_mark_19 minvalue -9223372036854775808;
create sequence core.queue_mark_20 minvalue -9223372036854775808;
create sequence core.queue_mark_21 minvalue -9223372036854775808;
create sequence core.queue_mark_22 minvalue -9223372036854775808;
create sequence core.queue_mark_23 minvalue -9223372036854775808;
create sequence core.queue_mark_24 minvalue -9223372036854775808;
create sequence core.queue_mark_25 minvalue -9223372036854775808;
create sequence core.queue_mark_26 minvalue -9223372036854775808;
create sequence core.queue_mark_27 minvalue -9223372036854775808;
create sequence core.queue_mark_28 minvalue -9223372036854775808;
create sequence core.queue_mark_29 minvalue -9223372036854775808;
create sequence core.queue_mark_30 minvalue -9223372036854775808;
create sequence core.queue_mark_31 minvalue -9223372036854775808;
create sequence core.queue_mark_32 minvalue -9223372036854775808;
create sequence core.queue_mark_33 minvalue -9223372036854775808;
create sequence core.queue_mark_34 minvalue -9223372036854775808;
create sequence core.queue_mark_35 minvalue -9223372036854775808;
create sequence core.queue_mark_36 minvalue -9223372036854775808;
create sequence core.queue_mark_37 minvalue -9223372036854775808;
create sequence core.queue_mark_38 minvalue -9223372036854775808;
create sequence core.queue_mark_39 minvalue -9223372036854775808;
create sequence core.queue_mark_40 minvalue -9223372036854775808;

comment on sequence core.queue_mark_01 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_02 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_03 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_04 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_05 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_06 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_07 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_08 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_09 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_10 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_11 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_12 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_13 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_14 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_15 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_16 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_17 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_18 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_19 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_20 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_21 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_22 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_23 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_24 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_25 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_26 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_27 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_28 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_29 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_30 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_31 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_32 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_33 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_34 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_35 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_36 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_37 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_38 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_39 is 'Low-water mark of the lane or limited queue that names it.';
comment on sequence core.queue_mark_40 is 'Low-water mark of the lane or limited queue that names it.';

-- dbkit: allow int_primary_key because a lane is a priority of a queue: there are never many, and every job carries its id
create table core.queue_lanes (
    id       integer generated always as identity,
    queue    text not null,
    priority integer not null,
    mark     regclass,

    constraint queue_lanes_pkey primary key (id),
    constraint queue_lanes_queue_priority_key unique (queue, priority),
    constraint queue_lanes_mark_key unique (mark),
    constraint queue_lanes_queue_fkey foreign key (queue) references core.queues (name) on delete restrict
);

comment on table core.queue_lanes is 'Lanes of a queue: the order of claims is priority, then place in the lane.';
comment on column core.queue_lanes.mark is 'The sequence with the lane''s low-water mark; null: every claim starts at the beginning.';
