"""Print the JSON Schema of program documents: ``python -m rewards.domain.documents.schema``."""

from __future__ import annotations

import json
import sys

from rewards.domain.documents import json_schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
