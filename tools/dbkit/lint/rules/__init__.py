"""One rule a file: the file name is the defect, the docstring its documentation, `rule` the check."""
