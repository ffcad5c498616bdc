"""The model planner: a language model reads what the embedded planner can't, in names of the catalogue. Nothing that it says is trusted."""
