select 'nested';
