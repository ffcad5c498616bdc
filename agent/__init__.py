"""A question becomes an answer: words, grounding, planning, answering, remembering. Knows no interface."""
