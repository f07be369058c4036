begin;
\if true
\echo yes
\else
\echo no
\endif
\set n 5
select :n > 3 as big, :n > 9 as huge \gset
\if :huge
  select 'huge';
\elif :big
  select 'big';
  \if false
    select 'inner';
    \i no_such_file.sql
  \else
    select 'inner else';
  \endif
\else
  select 'small';
\endif
\if :{?missing}
\echo has missing
\elif off
\echo off
\elif 0
\echo 0
\else
\echo none
\endif
\if false \echo a \else \echo b \endif
\if yes \echo c \else \echo d \endif
\if maybe
\echo not reached
\else
\echo maybe is false
\endif
select 1 as a, 'x y' as b, null as c \gset p_
\echo :p_a :p_b :{?p_c}
select 7 as seven \gset
select :seven;
select 'g' \g
select 1 as one, 2 as two \gx
\set ON_ERROR_STOP off
-- what :ERROR is after a failed \gset differs between versions of psql
select 1 as a union select 2 \gset
select 1 where false \gset q_
select 1/0;
\echo :ERROR :SQLSTATE :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE :ROW_COUNT
rollback;
select * from generate_series(1, 4);
\echo :ERROR :SQLSTATE :ROW_COUNT :LAST_ERROR_MESSAGE
select 'before' \; select 'after';
\q
select 'never';
