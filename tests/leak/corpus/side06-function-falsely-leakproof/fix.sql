alter function search.normalize(text) not leakproof;
