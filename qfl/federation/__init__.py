"""Federated learning: clients train modules, a server aggregates them, one loop joins both.

At the door: the loop (`round`), what it is told (`plan`, `population`, `world`), its arithmetic
(`engine`, `exchange`, `aggregate`, `evaluate`, `attribution`), and one algorithm per file.
Rooms: `deciding` who trains, `training` at clients, `steps` of the round, `averaging` of updates,
`modalities` that are missing; `unlearning`, `continual` and `attacks` play whole federations.
"""

from __future__ import annotations

from qfl.core.registry import Registry, Row

ALGORITHMS = Registry(
    "algorithm",
    {
        "fedavg": Row(
            "qfl.federation.fedavg:FedAvg",
            "module-wise mean over the holders, weighted by samples (McMahan et al. 2017)",
        ),
        "fedprox": Row(
            "qfl.federation.fedprox:FedProx",
            "fedavg with a proximal term at the client (Li et al. 2020)",
        ),
        "fedavg_local": Row(
            "qfl.federation.fedavg_local:FedAvgLocal",
            "fedavg, and every client fine-tunes the final model",
        ),
        "ditto": Row(
            "qfl.federation.ditto:Ditto",
            "fedavg, and personal models pulled to the downloaded one (Li et al. 2021)",
        ),
        "disentangle": Row(
            "qfl.federation.disentangle:Disentangle",
            "fedavg that keeps latents of modalities, and of tasks, apart (after DisentAFL)",
        ),
        "tap": Row(
            "qfl.federation.tap:Tap",
            "personal models that take modules task by task, then learn from the final model",
        ),
        "local": Row("qfl.federation.local:Local", "every client for itself; nothing travels"),
        "centralised": Row(
            "qfl.federation.centralised:Centralised",
            "clients send their samples once, the server trains on the pool",
        ),
        "scaffold": Row(
            "qfl.federation.scaffold:Scaffold",
            "fedavg with control variates against client drift (Karimireddy et al. 2020)",
        ),
        "fedavgm": Row(
            "qfl.federation.fedopt:FedAvgM",
            "fedavg with momentum at the server (Hsu et al. 2019)",
        ),
        "fedadam": Row(
            "qfl.federation.fedopt:FedAdam",
            "fedavg with Adam at the server (Reddi et al. 2021)",
        ),
        "fedyogi": Row(
            "qfl.federation.fedopt:FedYogi",
            "fedavg with Yogi at the server (Reddi et al. 2021)",
        ),
        "completion": Row(
            "qfl.federation.completion:Completion",
            "missing modalities completed; clients weigh by the likeness of their models (FedMVP)",
        ),
        "fedlora": Row(
            "qfl.federation.fedlora:FedLora",
            "fedavg that merges LoRA pairs as pairs, of one rank or several",
        ),
    },
)

ATTACKS = Registry(
    "attack",
    {
        "none": Row("qfl.federation.attacks.adversary:NoAttack", "all clients are honest"),
        "sign_flip": Row(
            "qfl.federation.attacks.adversary:LyingUpdates",
            "changes with the sign turned and scaled",
        ),
        "alie": Row(
            "qfl.federation.attacks.adversary:LyingUpdates",
            "a little is enough: changes inside the spread of the honest (Baruch et al. 2019)",
        ),
        "ipm": Row(
            "qfl.federation.attacks.adversary:LyingUpdates",
            "inner product manipulation: against the honest mean (Xie et al. 2019)",
        ),
        "label_flip": Row(
            "qfl.federation.attacks.adversary:LyingLabels",
            "training on reversed classes and numbers",
        ),
        "backdoor": Row(
            "qfl.federation.attacks.adversary:LyingLabels",
            "a square in the corner means one class (Gu et al. 2017)",
        ),
    },
)
"""What corrupted clients do; `qfl.security.attacks` has the arithmetic."""

_COUNTING, _CENTRE = (
    "qfl.federation.averaging.defence:Counting",
    "qfl.federation.averaging.defence:Centre",
)

RULES = Registry(
    "rule",
    {
        "none": Row("qfl.federation.averaging.defence:Weighted", "the algorithm's own mean"),
        "mean": Row(_CENTRE, "the mean of all changes alike"),
        "norm_bounded_mean": Row(
            "qfl.federation.averaging.defence:Bounded", "the mean of changes cut to one norm"
        ),
        "median": Row(_CENTRE, "coordinate-wise median"),
        "geometric_median": Row(_CENTRE, "the point nearest to all changes"),
        "trimmed_mean": Row(_COUNTING, "coordinate-wise mean without the f largest and smallest"),
        "krum": Row(_COUNTING, "the change in the densest company (Blanchard et al. 2017)"),
        "multi_krum": Row(_COUNTING, "the mean of the changes that Krum ranks first"),
        "bulyan": Row(_COUNTING, "a trimmed mean of Krum's choices (El Mhamdi et al. 2018)"),
        "fltrust": Row(
            "qfl.federation.averaging.defence:Trusting",
            "changes by their agreement with the server's own (Cao et al. 2021)",
        ),
    },
)
"""Aggregation that some corrupted clients cannot steer; `qfl.security.robust` has the rules."""

CLUSTERINGS = Registry(
    "way to divide clients",
    {
        "none": Row(
            "qfl.federation.clusters.division:NoClusters", "every module has one copy for all"
        ),
        "declared": Row(
            "qfl.federation.clusters.declared:Declared",
            "by what clients declare: their group or speaker, or what they hold",
        ),
        "loss": Row(
            "qfl.federation.clusters.by_loss:ByLoss",
            "clients take the copy that loses least (IFCA, Ghosh et al. 2020)",
        ),
        "direction": Row(
            "qfl.federation.clusters.by_direction:ByDirection",
            "by the angles between changes, once (after CFL, Sattler et al. 2020)",
        ),
    },
)
"""Who shares the copies of modules that are placed cluster."""

UNLEARNING = Registry(
    "way to forget",
    {
        "retrain": Row(
            "qfl.federation.unlearning.retrain:Retrain",
            "all rounds again without what is forgotten: the oracle",
        ),
        "sharded": Row(
            "qfl.federation.unlearning.sharded:Sharded",
            "shards of clients, of which only those concerned train again (after SISA): exact",
        ),
        "replay": Row(
            "qfl.federation.unlearning.replay:Replay",
            "stored updates, calibrated by those who stay (FedEraser): approximate",
        ),
        "nothing": Row(
            "qfl.federation.unlearning.retrain:Nothing", "the client leaves, its traces stay"
        ),
    },
)
"""How a federation forgets."""

STRATEGIES = Registry(
    "strategy",
    {
        "naive": Row("qfl.federation.continual.ways:Naive", "every stage on its own samples alone"),
        "replay": Row(
            "qfl.federation.continual.ways:Rehearsal",
            "clients keep some samples of earlier stages and train on them too",
        ),
        "regularised": Row(
            "qfl.federation.continual.ewc:Ewc",
            "weights are tied to what mattered before (EWC, Kirkpatrick et al. 2017)",
        ),
        "joint": Row(
            "qfl.federation.continual.ways:Joint",
            "the samples of all stages at once, from the first round on: the ceiling",
        ),
        "fresh": Row(
            "qfl.federation.continual.ways:Fresh",
            "every stage from fresh weights: what it is worth by itself",
        ),
    },
)
"""How a federation goes through a stream of stages."""
