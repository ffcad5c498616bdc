"""Speed, as medians and ratios against something measured in the same run; never a test that a slow machine fails."""
