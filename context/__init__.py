"""What is true, who may see it, and how it becomes SQL. Knows no questions."""
