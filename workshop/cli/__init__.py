"""The `workshop` command: parse, do, draw. Nothing below this floor prints or exits."""
