"""Records that a researcher brings: files of any kind to checked tables, with every fault named."""
