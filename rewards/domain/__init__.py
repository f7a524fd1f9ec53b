"""The pure part of the rewards app: documents, arithmetic and decisions, without Django, I/O or a clock."""
