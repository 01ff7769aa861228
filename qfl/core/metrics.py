"""What every measured number means: label, unit, direction, kind, range, format, definition.

Tables, arrows, bold cells, axis titles and the direction of a test read this table; nothing else
knows that accuracy is better when larger. A metric of a task is named "<task>.<measure>"
(`digit.accuracy`), with "@image" or "@image+audio" behind it where only these modalities were
shown, "@personal" for the mean over the clients' own models and data, "@worst client" for the least
of these; the measure is looked up here. An unknown name is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from qfl.core.errors import UnknownNameError
from qfl.core.metric import Metric


def metric(name: str) -> Metric:
    """Return the metadata of `name`; for "<task>.<measure>" that of the measure, relabelled.

    Raises:
        UnknownNameError: neither the name nor its measure is in `METRICS`.

    >>> metric("ink.r2").label, metric("ink.r2").arrow
    ('ink R²', '↑')
    """
    if name in METRICS:
        return METRICS[name]
    path, _, modality = name.partition("@")
    task, _, measure = path.rpartition(".")
    if measure in METRICS and (task or modality in _OVER_CLIENTS):
        found = METRICS[measure]
        shown = _OVER_CLIENTS.get(modality, f"{modality.replace('+', ' and ')} alone")
        if measure in OF_ATTRIBUTION and modality:
            shown = modality
        label = f"{task} {found.label}".strip()
        if modality:
            label += f" {modality}" if measure == ON_STAGE else f", {shown}"
        return replace(found, name=name, label=label)
    raise UnknownNameError("metric", name, METRICS)


def over_clients(name: str) -> bool:
    """Return whether a metric is over the clients' own models and data.

    >>> over_clients("score@personal"), over_clients("score@image")
    (True, False)
    """
    return name.partition("@")[2] in _OVER_CLIENTS


def at_the_end(name: str) -> bool:
    """Return whether a metric is measured once or at the end, so that it has no curve; or has one
    in a section of its own, as the scores on single stages.

    >>> at_the_end("digit.shapley@image"), at_the_end("digit.accuracy@image")
    (True, False)
    """
    measure = name.partition("@")[0].rpartition(".")[2]
    single = (*OF_FORGETTING, *OF_ATTRIBUTION, *OF_STREAMS, *OF_CLIENTS_IN_STREAMS)
    return measure in (*single, ON_STAGE)


def _table(*rows: Metric) -> Mapping[str, Metric]:
    return {row.name: row for row in rows}


_OVER_CLIENTS = {"personal": "personal models", "worst client": "worst client"}
_UNIT = (0.0, 1.0)
_POSITIVE = (0.0, None)

METRICS: Mapping[str, Metric] = _table(
    # measures of a task, on the held-out test set
    Metric("accuracy", "accuracy", "", True, "mean", _UNIT, ".1%",
           "share of held-out samples whose most likely class is the true one"),
    Metric("balanced_accuracy", "balanced accuracy", "", True, "mean", _UNIT, ".1%",
           "recall averaged over classes"),
    Metric("f1", "F1", "", True, "mean", _UNIT, ".3f",
           "harmonic mean of precision and recall, averaged over classes"),
    Metric("r2", "R²", "", True, "mean", (None, 1.0), ".3f",
           "1 − residual over total sum of squares on held-out samples"),
    Metric("score", "score", "", True, "mean", (None, 1.0), ".3f",
           "mean over tasks of the accuracy, or of R² where a task asks for numbers"),
    Metric("replacements", "replacements", "", None, "count", _POSITIVE, ",.1f",
           "tasks so far whose modules a personal model took from the common one, over clients"),
    Metric("loss", "loss", "", False, "mean", _POSITIVE, ".3f",
           "the task's training loss on held-out samples"),
    Metric("rmse", "RMSE", "", False, "mean", _POSITIVE, ".3f",
           "root mean squared error on held-out samples"),
    Metric("mae", "MAE", "", False, "mean", _POSITIVE, ".3f",
           "mean absolute error on held-out samples"),
    Metric("attack_success", "backdoor success", "", False, "mean", _UNIT, ".1%",
           "share of held-out samples of other classes that the trigger turns into its class"),
    # what an algorithm tells of its rounds
    Metric("lora_error", "LoRA aggregation error", "", False, "mean", _POSITIVE, ".3f",
           "‖mean product − merged product‖ / ‖mean product‖ of the LoRA pairs of a round, "
           "Frobenius norms, mean over the adapted matrices"),
    Metric("modality_coverage", "modality coverage", "", True, "mean", _UNIT, ".1%",
           "part of the training samples of a round's clients that have the modality that fewest "
           "have, mean over the rounds so far"),
    Metric("least_centrality", "least centrality", "", None, "mean", _UNIT, ".2f",
           "mean similarity (CKA) of the least central client's model to the others of a round, "
           "over that of the most central"),
    # summaries of a learning curve
    Metric("rounds_to_target", "rounds to target", "", False, "count", _POSITIVE, ".1f",
           "first round whose metric reaches the target; runs that never do are censored"),
    Metric("seconds_to_target", "time to target", "s", False, "time", _POSITIVE, ".3s",
           "virtual seconds until the target is reached; runs that never do are censored"),
    Metric("bytes_to_target", "bytes to target", "B", False, "count", _POSITIVE, ".3s",
           "payload in both directions until the target; runs that never reach it are censored"),
    Metric("rounds_to_pairs", "rounds to all pairs", "", False, "count", _POSITIVE, ".1f",
           "first round by which every pair of a modality and a task that a client holds was "
           "trained; runs that leave one out are censored"),
    Metric("curve_mean", "mean over rounds", "", True, "mean", (None, None), ".1%",
           "area under the learning curve over rounds, divided by the number of rounds"),
    # decisions
    Metric("approximation_ratio", "approximation ratio", "", True, "mean", _UNIT, ".4f",
           "(worst − energy) / (worst − optimum) over the feasible set, by enumeration"),
    Metric("optimum_hit", "optimum found", "", True, "proportion", _UNIT, ".1%",
           "share of decisions whose energy is the enumerated optimum"),
    Metric("feasible", "feasible", "", True, "proportion", _UNIT, ".1%",
           "share of decisions that the solver itself returned feasible, before any repair"),
    Metric("sample_ratio", "approximation ratio, one sample", "", True, "mean", (None, 1.0), ".4f",
           "expected approximation ratio of a single feasible sample, from the exact distribution"),
    Metric("uniform_probability", "P(optimum), uniform draw", "", None, "mean", _UNIT, ".2%",
           "optimal over feasible states: the chance of one uniform feasible draw"),
    Metric("tts_samples", "TTS, samples", "", False, "count", _POSITIVE, ".3s",
           "samples until the optimum was seen with probability 99 %; shots where a solver "
           "measures, else objective values; at least what one decision takes"),
    Metric("tts_seconds", "TTS, real time", "s", False, "time", _POSITIVE, ".3s",
           "real seconds of decisions, repeated until one found the optimum with probability "
           "99 %; training and simulation included; at least one decision"),
    Metric("decision_seconds", "time of one decision", "s", False, "time", _POSITIVE, ".3s",
           "real seconds from the instance to the decision, simulated circuits included"),
    Metric("optimum_probability", "P(optimum), one shot", "", True, "mean", _UNIT, ".2%",
           "probability that a single sample is an optimum, from the exact distribution"),
    Metric("in_constraint_probability", "P(feasible), one shot", "", True, "mean", _UNIT, ".1%",
           "probability that a single sample satisfies the constraint"),
    # what the samples of a circuit were worth, however it was run
    Metric("sampled_ratio", "approximation ratio of samples", "", True, "mean", (None, 1.0), ".4f",
           "(worst − mean energy) / (worst − optimum), mean over the feasible samples drawn"),
    Metric("effective_ratio", "effective ratio over random", "", True, "mean", _UNIT, ".4f",
           "share of the way from a uniform feasible draw to the optimum that the mean feasible "
           "sample covers, 0 if it is no better than the draw"),
    Metric("sampled_optimum", "P(optimum), samples", "", True, "mean", _UNIT, ".2%",
           "share of the samples asked for that are an optimum; dropped samples count as misses"),
    Metric("kept_fraction", "feasible samples", "", True, "mean", _UNIT, ".1%",
           "share of the samples asked for that satisfy the constraint"),
    Metric("mean_ratio", "ratio of the mean cost", "", None, "mean", (None, None), ".4f",
           "(worst − ⟨C⟩) / (worst − optimum), worst and optimum feasible, ⟨C⟩ over all samples, "
           "feasible or not, or as zero-noise extrapolation gives it; good is near the ideal one"),
    Metric("slot_ratio", "approximation ratio of schedules", "", True, "mean", _UNIT, ".4f",
           "(worst − energy) / (worst − optimum) of the rounds' slot assignments, by enumeration"),
    Metric("slot_optimum", "optimal schedules", "", True, "mean", _UNIT, ".1%",
           "share of slot assignments whose energy is the enumerated optimum"),
    Metric("round_seconds", "time of one round", "s", False, "time", _POSITIVE, ".3s",
           "simulated time of a round whose uploads share the uplink"),
    Metric("evaluations", "evaluations", "", None, "count", _POSITIVE, ",.0f",
           "objective values or expectations computed per decision"),
    Metric("shots", "shots", "", None, "count", _POSITIVE, ",.0f",
           "measurements drawn per decision"),
    Metric("qubits", "qubits", "", None, "count", _POSITIVE, ",.0f",
           "width of the sampled circuit"),
    Metric("depth", "depth", "", None, "count", _POSITIVE, ",.0f",
           "layers of gates of the sampled circuit"),
    Metric("two_qubit_gates", "two-qubit gates", "", None, "count", _POSITIVE, ",.0f",
           "entangling gates of the sampled circuit"),
    # costs of a whole run
    Metric("payload_bytes_up", "payload up", "B", False, "count", _POSITIVE, ".3s",
           "bytes from clients to the server, as serialised"),
    Metric("payload_bytes_down", "payload down", "B", False, "count", _POSITIVE, ".3s",
           "bytes from the server to clients, as serialised"),
    Metric("payload_bytes", "payload", "B", False, "count", _POSITIVE, ".3s",
           "bytes in both directions, as serialised"),
    Metric("energy_joules", "energy", "J", False, "mean", _POSITIVE, ".3s",
           "modelled energy of computing and transmitting at the clients"),
    Metric("training_operations", "training operations", "FLOP", False, "count", _POSITIVE, ".3s",
           "floating-point operations of local training at all clients"),
    Metric("virtual_seconds", "virtual time", "s", False, "time", _POSITIVE, ".3s",
           "simulated time; a round lasts as long as its slowest needed client"),
    Metric("key_bits_produced", "key bits produced", "bit", None, "count", _POSITIVE, ".3s",
           "secret key bits distilled over all links"),
    Metric("key_bits_used", "key bits used", "bit", False, "count", _POSITIVE, ".3s",
           "secret key bits spent on sealing, on masks and on keys that hybrids keep"),
    Metric("key_bits_left", "key bits left", "bit", None, "count", _POSITIVE, ".3s",
           "key bits in all pools after the last round: of the server's links, and of those "
           "between clients"),
    Metric("sums_given_up", "sums given up", "", False, "count", _POSITIVE, ".1f",
           "masked sums that too few clients held or survived; their modules stayed as they were"),
    Metric("key_ratio", "key against the least", "", False, "mean", _POSITIVE, ".3s",
           "key bits of masks over the proven least of an information-theoretic sum; far below 1 "
           "where streams are stretched from short keys"),
    Metric("epsilon", "ε", "", False, "mean", _POSITIVE, ".2f",
           "of (ε, δ)-differential privacy at the end, for the client who took part most often; "
           "see the table of privacy for δ, adjacency and conversion"),
    Metric("aborted_sessions", "aborted sessions", "", None, "count", _POSITIVE, ".1f",
           "key exchanges that stopped before a key was delivered"),
    Metric("qber", "QBER", "", False, "mean", (0.0, 0.5), ".2%",
           "estimated error rate of the compared bits, mean over sessions that gave a key"),
    # after forgetting, against training without what was forgotten
    Metric("forget_gap", "gap on the forgotten", "", None, "mean", (-1.0, 1.0), ".1%",
           "score on the training samples that were forgotten, less that of the retrained; the "
           "score is the mean over tasks of accuracy or R², then over clients"),
    Metric("retain_gap", "gap on the retained", "", None, "mean", (-1.0, 1.0), ".1%",
           "the same on the training samples of the clients that stay"),
    Metric("test_gap", "gap on the test set", "", None, "mean", (-1.0, 1.0), ".1%",
           "the same on the held-out test set"),
    Metric("output_divergence", "KL of outputs", "nat", False, "mean", _POSITIVE, ".3s",
           "mean Kullback-Leibler divergence of the answers on the test set from those of the "
           "retrained, over tasks; numbers count as means of Gaussians of variance 1"),
    Metric("retraining_distance", "distance to the retrained", "", False, "mean", _POSITIVE, ".2f",
           "KL of outputs over the 95th percentile of that between independent retrainings; at "
           "most 1 is as near as another training without the forgotten would be"),
    Metric("membership_auc", "membership AUC", "", False, "mean", _UNIT, ".3f",
           "chance that a forgotten sample looks more like a member than one of the same clients "
           "that was never trained on, by how many of the independent retrainings know it less "
           "well; 0.5 is chance; asked where both sides have at least 200 samples", version=2),
    Metric("relearn_steps", "steps to relearn", "", None, "count", _POSITIVE, ".1f",
           "optimiser steps at the client that had most of it until its loss is back where it was "
           "before forgetting, at most 200; traces make them fewer than the retrained needs"),
    Metric("forgetting_cost", "cost of forgetting", "", False, "mean", _POSITIVE, ".1%",
           "floating-point operations that clients spent on forgetting over those of retraining"),
    Metric("stored_bytes", "stored for forgetting", "B", False, "count", _POSITIVE, ".3s",
           "models and updates that the server had kept for this day"),
    # over a stream of stages
    Metric("on_stage", "on stage", "", True, "mean", (None, 1.0), ".3f",
           "mean over tasks of accuracy or R² on the test samples of one stage of a stream"),
    Metric("learning_score", "score as learnt", "", True, "mean", (None, 1.0), ".3f",
           "score on every stage right after it, averaged"),
    Metric("memory_bytes", "kept of other stages", "B", False, "count", _POSITIVE, ".3s",
           "samples, or weights with their importance, that all clients together keep of other "
           "stages than the present one, at most at any time"),
    Metric("continual_score", "score over stages", "", True, "mean", (None, 1.0), ".3f",
           "score on every stage after the last one, averaged (ACC); a client's R² compares with "
           "the variance of the stage's test samples"),
    Metric("backward_transfer", "backward transfer", "", True, "mean", (None, None), ".3f",
           "score on earlier stages after the last one less that after each, averaged (BWT)"),
    Metric("forward_transfer", "forward transfer", "", True, "mean", (None, None), ".3f",
           "score on a stage before it comes less that of the untrained model, averaged (FWT)"),
    Metric("forgetting", "forgetting", "", False, "mean", (None, None), ".3f",
           "best score on an earlier stage less that after the last one, averaged"),
    Metric("forgetting_spread", "spread of forgetting", "", False, "mean", _POSITIVE, ".3f",
           "standard deviation of forgetting over the clients, each with the model that it uses on "
           "its own test samples of the stages"),
    # what parts of the final model were worth, on at most 512 held-out samples
    Metric("shapley", "Shapley value", "", None, "mean", (-1.0, 1.0), ".1%",
           "share of a modality in the score of a task beyond the majority class (beyond the mean "
           "for a regression), averaged over all orders in which modalities are added"),
    Metric("cooperation", "cooperation", "", None, "mean", (None, None), ".1%",
           "score with all modalities less the sum of the scores with each alone, all beyond the "
           "majority class; negative where modalities tell the same"),
    Metric("perceptual", "perceptual score", "", None, "mean", (None, None), ".1%",
           "fall of the mean score if a modality is dealt out anew among the samples"),
    Metric("contribution", "contribution", "", None, "mean", (None, None), ".1%",
           "fall of the mean score if a module alone is set back to its start"),
    Metric("routed", "tokens routed", "", None, "mean", _UNIT, ".1%",
           "share of all tokens that an expert handles"),
    Metric("load_entropy", "load entropy of experts", "", None, "mean", _UNIT, ".3f",
           "entropy of the experts' tokens over that of an even split, mean over layers"),
    # real seconds on the machine that ran it
    Metric("classical_seconds", "classical solver time", "s", False, "time", _POSITIVE, ".3s",
           "real seconds that the solver spent outside circuits"),
    Metric("quantum_seconds", "circuit time", "s", False, "time", _POSITIVE, ".3s",
           "real seconds that circuits took, on a device or on the machine simulating it"),
    Metric("training_seconds", "training time", "s", False, "time", _POSITIVE, ".3s",
           "real seconds of local training"),
    Metric("channel_seconds", "channel time", "s", False, "time", _POSITIVE, ".3s",
           "real seconds of key exchange, sealing and opening"),
    Metric("total_seconds", "wall clock", "s", False, "time", _POSITIVE, ".3s",
           "real seconds of the whole cell"),
)  # fmt: skip

OF_DECISIONS = (
    *("approximation_ratio", "optimum_hit", "feasible", "sample_ratio", "optimum_probability"),
    *("in_constraint_probability", "tts_samples", "tts_seconds", "decision_seconds"),
    *("sampled_ratio", "effective_ratio", "sampled_optimum", "kept_fraction"),
)
"""What may head a study where nobody trains."""
OF_FORGETTING = (
    *("forget_gap", "retain_gap", "test_gap", "output_divergence", "retraining_distance"),
    *("membership_auc", "relearn_steps", "forgetting_cost", "stored_bytes"),
)
"""What may head a study that forgets, beside the metrics of its tasks."""
OF_STREAMS = (
    *("continual_score", "learning_score", "forgetting", "backward_transfer", "forward_transfer"),
    "memory_bytes",
)
"""What may head a study with a stream, beside the metrics of its tasks: what learning it did."""
OF_CLIENTS_IN_STREAMS = (
    *("continual_score@personal", "continual_score@worst client"),
    *("forgetting@personal", "forgetting@worst client", "forgetting_spread"),
    *("learning_score@personal", "backward_transfer@personal", "forward_transfer@personal"),
)
"""The same of each client, with the model that it uses on its own test samples of the stages."""
ON_STAGE = "on_stage"
"""The measure of a score on one stage, as in "score.on_stage@2"."""
OF_ATTRIBUTION = (
    *("shapley", "cooperation", "perceptual", "contribution", "routed", "load_entropy"),
)
"""Measures of parts of the final model, behind the name of a task."""
OF_SCORES = ("accuracy", "r2")
"""Measures of a task that scores average."""
OF_ROUNDS = ("slot_ratio", "slot_optimum", "round_seconds")
"""What may head a study whose clients share an uplink, beside the metrics of its tasks."""
