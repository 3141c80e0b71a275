"""Search methods: one file each; `search` lists them by name."""
