"""Writes a GGUF model as a Hugging Face folder, which vLLM and PEFT read.

    python weights.py MODEL.gguf FOLDER

Quantised weights are unpacked to bfloat16: they take more room and are no better than before.
"""

import argparse
import os
from pathlib import Path

# Everything is in the file; nothing is to be looked for elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("folder", type=Path, help="is made if it is not there")
    options = parser.parse_args()

    source = {
        "pretrained_model_name_or_path": str(options.model.resolve().parent),
        "gguf_file": options.model.name,
    }
    tokenizer = AutoTokenizer.from_pretrained(**source)
    unpacked = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    weights = {name: weight.to(torch.bfloat16) for name, weight in unpacked.state_dict().items()}
    # The marks of quantisation would make readers unpack a second time.
    if hasattr(unpacked.config, "quantization_config"):
        del unpacked.config.quantization_config
    model = AutoModelForCausalLM.from_config(unpacked.config, dtype=torch.bfloat16)
    model.load_state_dict(weights)
    model.save_pretrained(options.folder)
    tokenizer.save_pretrained(options.folder)


if __name__ == "__main__":
    main()
