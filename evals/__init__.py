"""We learn how good we are: verified questions, runs, gaps, suites from outside. Knows no interface."""
