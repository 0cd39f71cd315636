"""Writes what the original all-MiniLM-L6-v2 says of some texts, for the tests of the packaged one.

    pip install torch transformers==4.*
    python deploy/embedder/reference.py <folder of the original> test/patterns/fixtures/minilm-reference.json
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "Generate unit tests for an interval merging function",
    "Write tests for a function that merges overlapping ranges",
    "Detect SQL injection in a login handler",
    "Find security holes in the authentication code",
    "flaky",
    "The retry test fails one time in twenty on CI; why?",
    "The retry test fails 1 time in 20 on CI; why not?",
    "Welche Zeilen von src/parser.ts deckt kein Test ab?",
    "Où sont les branches non couvertes de l'analyseur ?",
    "expect(merge([[1,3],[2,4]])).toEqual([[1,4]])",
    "const total = items.reduce((sum, { price, count }) => sum + price * count, 0);",
    "為這個函數寫單元測試",
    "naïve café façade – “quotes” … and an emoji 🙂 between words",
    "   spaces \t tabs\n\nand lines   ",
    "supercalifragilisticexpialidocious0123456789_snake_case-kebab-case camelCaseIdentifier",
    "Review this pull request: it renames 14 files, changes 3 public signatures and deletes 2 tests.",
    " ".join(["coverage of the scheduler's error paths"] * 12),
    # More word pieces than the model takes: both cut it off at the same place.
    " ".join(f"line {number} of a very long log" for number in range(80)),
]


def main(original: Path, target: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(original)
    model = AutoModel.from_pretrained(original).eval()
    rows = []
    for text in TEXTS:
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0)
        rows.append({
            "text": text,
            "tokens": inputs["input_ids"][0].tolist(),
            "vector": [round(value, 6) for value in vector.tolist()],
        })
    target.write_text(json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
