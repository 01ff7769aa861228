"""M3T models: typed modules (encoder per modality, trunk, head per task), held in part by clients.

Modules are plain torch; nothing here knows of clients, rounds or keys.
"""

from __future__ import annotations

from qfl.core.registry import Registry, Row

MODELS = Registry(
    "model",
    {
        "pooled": Row(
            "qfl.models.pooled:Pooled",
            "one token per modality, their mean and linear heads; small pictures and sequences",
        ),
        "transformer": Row(
            "qfl.models.transformer:Transformer",
            "tokens, prompts, LoRA, adapters and experts, quantum slots; width and blocks of the "
            "profiles: tiny 32, 1; small 64, 2; base 128, 3; large 192, 4",
        ),
        "backbone": Row(
            "qfl.models.backbone:Backbone",
            "a transformers model built from its configuration, with LoRA of peft; never batched",
            extra="backbone",
            requires=("transformers", "peft"),
        ),
    },
)
