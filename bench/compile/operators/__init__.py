"""One file per family of operators; each turns an operator of the graph into the body of a C function."""
