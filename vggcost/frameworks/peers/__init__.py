"""The other counters: one small adapter a tool, each run in a process of its own."""
