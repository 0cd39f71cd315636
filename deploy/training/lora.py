"""Trains a small LoRA adapter on the processor, on a handful of built-in examples.

    python lora.py MODEL_FOLDER ADAPTER_FOLDER [--steps 16]

It shows the whole way of an adapter, from training to a server that answers with it, in about a
minute with a model of 135 M parameters. It is no recipe for a good one.
"""

import argparse
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

# All of one style, which the base model does not have, so that the adapter shows in an answer.
STYLE = "VERDICT:"
EXAMPLES = [
    ("Is this test flaky? It sleeps for a second.", f"{STYLE} flaky. It waits for time, not for an event."),
    ("Is this test flaky? It compares two constants.", f"{STYLE} steady. Nothing in it can vary."),
    ("Is this test flaky? It reads the current date.", f"{STYLE} flaky. It passes on some days only."),
    ("Is this test flaky? It sorts a fixed list.", f"{STYLE} steady. The order is settled."),
    ("Does this test assert anything? It calls add(1, 2).", f"{STYLE} hollow. It calls and never checks."),
    ("Does this test assert anything? It expects add(1, 2) to be 3.", f"{STYLE} sound. It checks a result."),
]
# An answer's tokens count, the question's do not.
IGNORED = -100


def tokens_of(tokenizer, question: str, answer: str) -> tuple[torch.Tensor, torch.Tensor]:
    turn = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    asked = tokenizer(prompt, add_special_tokens=False).input_ids
    answered = tokenizer(answer + tokenizer.eos_token, add_special_tokens=False).input_ids
    inputs = torch.tensor([asked + answered])
    labels = torch.tensor([[IGNORED] * len(asked) + answered])
    return inputs, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a Hugging Face folder")
    parser.add_argument("adapter", type=Path, help="where the adapter goes")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    base = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    model = get_peft_model(
        base,
        LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    optimizer = torch.optim.AdamW(
        (weight for weight in model.parameters() if weight.requires_grad), lr=2e-3
    )
    model.train()
    for step in range(options.steps):
        question, answer = EXAMPLES[step % len(EXAMPLES)]
        inputs, labels = tokens_of(tokenizer, question, answer)
        loss = model(input_ids=inputs, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step + 1}/{options.steps}  loss {loss.item():.3f}", flush=True)
    model.save_pretrained(options.adapter)


if __name__ == "__main__":
    main()
