"""Makes the embedder that comes with the package: all-MiniLM-L6-v2 as a GGUF of about 25 MB.

Takes the folder of the original model (model.safetensors, tokenizer.json) and the file to write:

    pip install gguf==0.19.0 safetensors==0.8.0 numpy
    python deploy/embedder/build.py <folder of the original> models/all-minilm-l6-v2-q8_0.gguf

Matrices become 8-bit blocks (Q8_0), vectors stay 32-bit. The same input gives the same bytes.
"""

import hashlib
import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Word pieces that the model was trained with at a time; what lies behind them is cut off.
CONTEXT_TOKENS = 256
# Of the original, and not used for embeddings.
LEFT_OUT = ("embeddings.position_ids", "pooler.")


def main(original: Path, target: Path) -> None:
    weights = original / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        sys.exit(f"{weights} is not the original: SHA-256 {digest}, expected {WEIGHTS_SHA256}")
    config = json.loads((original / "config.json").read_text())
    vocabulary = json.loads((original / "tokenizer.json").read_text())["model"]["vocab"]

    writer = gguf.GGUFWriter(target, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_license("apache-2.0")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_tokenizer(writer, vocabulary, config["type_vocab_size"])
    add_tensors(writer, load_file(weights), config["num_hidden_layers"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{target}: {target.stat().st_size} bytes, "
          f"SHA-256 {hashlib.sha256(target.read_bytes()).hexdigest()}")


def add_tokenizer(writer: gguf.GGUFWriter, vocabulary: dict[str, int], token_types: int) -> None:
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    if [vocabulary[piece] for piece in pieces] != list(range(len(pieces))):
        sys.exit("the vocabulary has gaps")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")
    writer.add_token_list([word_start(piece).encode() for piece in pieces])
    writer.add_token_types([
        gguf.TokenType.CONTROL if is_special(piece) else gguf.TokenType.NORMAL for piece in pieces
    ])
    writer.add_token_type_count(token_types)
    writer.add_bos_token_id(vocabulary["[CLS]"])
    writer.add_eos_token_id(vocabulary["[SEP]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_pad_token_id(vocabulary["[PAD]"])
    writer.add_mask_token_id(vocabulary["[MASK]"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def is_special(piece: str) -> bool:
    return piece.startswith("[") and piece.endswith("]") and len(piece) > 2


def word_start(piece: str) -> str:
    """llama.cpp marks where words begin, BERT marks where they go on."""
    if is_special(piece):
        return piece
    return piece.removeprefix("##") if piece.startswith("##") else "▁" + piece


def add_tensors(writer: gguf.GGUFWriter, tensors: dict[str, np.ndarray], blocks: int) -> None:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, blocks)
    for original, values in sorted(tensors.items()):
        if original.startswith(LEFT_OUT):
            continue
        name = names.get_name(original, try_suffixes=(".weight", ".bias"))
        if name is None:
            sys.exit(f"{original} has no name in a GGUF file")
        # Positions and types are few rows that are added as they are.
        small = name.startswith(("position_embd", "token_types"))
        if name.startswith("position_embd"):
            values = values[:CONTEXT_TOKENS]
        if values.ndim == 2 and not small:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(name, values.astype(np.float32))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
