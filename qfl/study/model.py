"""A study: one question, what it is asked of, and the grid of cells that answers it.

It is asked of a federation, or of the instances of a problem where nobody trains.

The same `Study` comes out of a TOML file and out of Python, frozen, with every option resolved
and unknown keys refused. All errors of a study are reported in one pass.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from qfl.core.errors import ConfigError, StudyError, UnknownNameError
from qfl.core.metrics import (
    OF_CLIENTS_IN_STREAMS,
    OF_DECISIONS,
    OF_FORGETTING,
    OF_ROUNDS,
    OF_STREAMS,
    metric,
    over_clients,
)
from qfl.study.axes import has, may_have, safe_points, with_own
from qfl.study.checks import (
    FEDERATION,
    PROTECTION,
    beside,
    check_algorithm,
    check_choice,
    check_public,
    check_ranks,
    check_uplink,
    despite,
    duplicates,
    unfit_candidates,
    unfit_sections,
    unlabelled,
    without_uplink,
)
from qfl.study.clustering import unfit_clusters
from qfl.study.forgetting import unfit_forgetting
from qfl.study.options import OWN, SECTIONS, Issue, Issues, build_row, explain, resolve
from qfl.study.override import alone, apply, flatten
from qfl.study.protection import unfit_protection
from qfl.study.streaming import unfit_stream

Settings = dict[str, Any]
_UNFIT = (unfit_candidates, unfit_protection, unfit_forgetting, unfit_clusters, unfit_stream)
"""What only several sections together show to be wrong."""


class Headline(BaseModel):
    """The sentence that the report opens with.

    Attributes:
        metric: what counts, such as "digit.accuracy".
        target: its value to be reached; without one, final values are compared.
        method, baseline: labels of the two methods compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    target: Annotated[float, Field(allow_inf_nan=False)] | None = None
    method: str
    baseline: str


class Reach(BaseModel):
    """What the report shows of links beside the runs, from closed forms and short attacks.

    Attributes:
        longest_km: distances go so far: rates of all protocols beneath the repeaterless bound, and
            the models that can be padded.
        attacks: whether every attack is run with and without its defence, which takes seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    longest_km: Annotated[float, Field(gt=0, le=1000)] = 300.0
    attacks: bool = False


def _seeds(given: object) -> object:
    """6 -> 0..5, "2:4" -> 2, 3; lists stay."""
    if isinstance(given, int) and not isinstance(given, bool):
        return tuple(range(given))
    if isinstance(given, str):
        first, colon, last = given.partition(":")
        if colon and last.isdecimal() and (first.isdecimal() or not first):
            return tuple(range(int(first or 0), int(last)))
        raise ValueError("must be a number of seeds, a list, or a range such as '0:10'")
    return given


class Study(BaseModel):
    """A question and the grid of cells that answers it.

    Attributes:
        name: names the run folder; lower case, digits, - and _.
        title, question, hypothesis: what the report says it is about.
        seeds: 6 means 0..5; a list or "0:6" also works.
        scenario: {"name": ..., options}: clients, data, links.
        federation: {"algorithm": ..., "rounds": ..., "clients_per_round": ..., local training}.
        selection: {"problem": ..., weights of the objective}.
        channel: {"name": ..., options}.
        privacy: {"mechanism": ..., options}; left out, there is no differential privacy.
        adversary: {"attack": ..., options}; left out, all clients are honest.
        defence: {"rule": ..., options}; left out, the algorithm takes its mean.
        forget: {"method": ..., clients, modality or task, ...}; left out, nothing is forgotten.
        clusters: {"by": ..., options}: who shares copies of the modules placed cluster.
        stream: {"strategy": ..., "kind": ..., stages, ...}; left out, nothing changes.
        decision: {"problem": ..., options of that family, "repeats": ...} in place of the
            sections above: the solvers decide instances of a problem, one instance per seed.
        methods: ({"label": ..., "solver": ..., options}, ...): the curves of the report. A table
            `slots` = {"solver": ..., options} says who schedules a shared uplink; if it is left
            out, enumeration does. Tables `federation`, `selection`, `channel`, `privacy`,
            `defence`, `forget`, `clusters` and `stream` change those sections for it alone.
        headline: the comparison that the report opens with.
        sweep: more axes, dotted key -> values, such as {"scenario.dirichlet_alpha": [0.1, 1.0]};
            "methods.LABEL.OPTION" varies one method alone.
        profiles: name -> overrides by dotted key; `smoke` and `paper` are expected by convention.
        reach: what the report shows of links and attacks beside the runs; left out, nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: str
    question: str
    hypothesis: str
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, strict=True)], ...], BeforeValidator(_seeds)]
    scenario: Settings = Field(default_factory=dict)
    federation: Settings = Field(default_factory=dict)
    selection: Settings = Field(default_factory=dict)
    channel: Settings = Field(default_factory=dict)
    privacy: Settings = Field(default_factory=dict)
    adversary: Settings = Field(default_factory=dict)
    defence: Settings = Field(default_factory=dict)
    forget: Settings = Field(default_factory=dict)
    clusters: Settings = Field(default_factory=dict)
    stream: Settings = Field(default_factory=dict)
    decision: Settings = Field(default_factory=dict)
    methods: tuple[Settings, ...]
    headline: Headline
    sweep: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    profiles: dict[str, Settings] = Field(default_factory=dict)
    reach: Reach | None = None

    _given: Settings = PrivateAttr(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Two studies are equal if everything in them is, however it was written."""
        return isinstance(other, Study) and self.model_dump() == other.model_dump()

    @classmethod
    def load(
        cls,
        path: str | Path,
        profile: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Study:
        """Return the study in a TOML file, with a profile and then `overrides` applied.

        Args:
            path: a study file, or the study.lock.toml of a run.
            profile: a name under [profiles]; None takes the file as it is.
            overrides: dotted key -> value, such as {"federation.rounds": 50}.

        Raises:
            ConfigError: all errors of the file, each with its key, what is allowed and the
                nearest match.
        """
        if not isinstance(path, str | Path):
            raise ConfigError(f"Study.load needs the path of a study file, got {path!r}")
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read the study file {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from None
        given.pop("lock", None)
        return cls._from(given, profile, overrides, source=str(path))

    def with_overrides(
        self, profile: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Study:
        """Return this study as it was given, with a profile and then `overrides` applied."""
        return self._from(deepcopy(self._given), profile, overrides, source=f"study {self.name!r}")

    def at(self, point: Mapping[str, Any]) -> Study:
        """Return this study at one point of its sweep, without axes and profiles."""
        if not point:
            return self
        given = deepcopy(self._given)
        apply(given, point)
        for key in ("sweep", "profiles"):
            given.pop(key, None)
        return type(self).model_validate(given)

    def for_method(self, method: Mapping[str, Any]) -> Study:
        """Return this study with what one of its methods changes of the shared sections."""
        if not set(OWN) & set(method):
            return self
        return type(self).model_validate(alone(self._given, method))

    @classmethod
    def _from(
        cls,
        given: Settings,
        profile: str | None,
        overrides: Mapping[str, Any] | None,
        *,
        source: str,
    ) -> Study:
        issues: list[Issue] = []
        changes: Settings = {}
        if profile is not None:
            profiles = given.get("profiles")
            profiles = profiles if isinstance(profiles, Mapping) else {}
            if isinstance(profiles.get(profile), Mapping):
                changes |= flatten(profiles[profile])
            else:
                unknown = UnknownNameError("profile", profile, map(str, profiles))
                issues.append(Issue("profiles", str(unknown)))
        changes |= overrides or {}
        issues += apply(given, changes)
        try:
            study = cls.model_validate(given, context={"source": source})
        except StudyError as error:
            raise StudyError(source, [*issues, *error.issues]) from None
        if issues:
            raise StudyError(source, issues)
        return study

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(
        cls, given: Any, handler: ModelWrapValidatorHandler[Study], info: ValidationInfo
    ) -> Study:
        """Collect what the fields report, then what only the whole study shows."""
        study: Study | None = None
        issues: list[Issue] = []
        try:
            study = handler(given)
        except ValidationError as error:
            issues += explain(error, list(cls.model_fields))
            if trial := despite(given, issues, cls.model_fields):
                with suppress(ValidationError):
                    study = handler(trial)
        if study is not None:
            dumped = study.model_dump()
            issues += beside([issue for unfit in _UNFIT for issue in unfit(dumped)], issues)
        if isinstance(given, Mapping):
            issues += unlabelled(given)
            issues += unfit_sections(given)
            issues += cls._broken_by_changes(given, issues)
        if study is None or issues:
            name = given.get("name", "") if isinstance(given, Mapping) else ""
            raise StudyError((info.context or {}).get("source", f"study {name!r}"), issues)
        study._given = deepcopy(dict(given)) if isinstance(given, Mapping) else study.model_dump()
        return study

    @classmethod
    def _broken_by_changes(cls, given: Mapping[str, Any], known: list[Issue]) -> list[Issue]:
        """Return what the points of the sweep, the profiles and the methods' own options break."""
        sweep, profiles = given.get("sweep", {}), given.get("profiles", {})
        changes = [("sweep.", point) for point in safe_points(sweep)]
        if isinstance(profiles, Mapping):
            changes += [
                (f"profiles.{name}.", flatten(profile))
                for name, profile in profiles.items()
                if isinstance(profile, Mapping)
            ]
        plain = {key: value for key, value in given.items() if key not in ("sweep", "profiles")}
        found: list[Issue] = []
        for prefix, change in changes:
            trial = deepcopy(plain)
            issues = [*apply(trial, change), *cls._broken(trial)]
            found += [Issue(prefix + key, text) for key, text in issues if (key, text) not in known]
        for method in with_own(given.get("methods")):
            prefix = f"methods.{method.get('label', method.get('solver'))}."
            issues = cls._broken(alone(given, method))
            found += [Issue(prefix + key, text) for key, text in issues if (key, text) not in known]
        return list(dict.fromkeys(found))

    @classmethod
    def _broken(cls, trial: Settings) -> list[Issue]:
        """Return what is wrong with a raw study."""
        try:
            cls.model_validate(trial)
        except StudyError as error:
            return [Issue(*issue) for issue in error.issues]
        return []

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError("at least one seed is needed, and none twice")
        return seeds

    @field_validator(*FEDERATION, *PROTECTION, "decision")
    @classmethod
    def _resolved(cls, given: Settings, info: ValidationInfo) -> Settings:
        if not given:
            return {}
        settings = resolve(info.field_name or "", given)
        if info.field_name == "federation":
            check_choice(info.data.get("scenario", {}), settings)
            check_public(info.data.get("scenario", {}), settings)
            check_uplink(settings)
            check_algorithm(settings)
            check_ranks(settings)
        return settings

    @field_validator("methods")
    @classmethod
    def _methods(cls, given: tuple[Settings, ...], info: ValidationInfo) -> tuple[Settings, ...]:
        issues: list[Issue] = []
        methods: list[Settings] = []
        for index, method in enumerate(given):
            label = method.get("label", method.get("solver"))
            where = label if isinstance(label, str) else str(index)
            if not isinstance(label, str) or not label.strip():
                issues.append(Issue(f"{where}.label", f"must be a text, got {label!r}"))
            try:
                methods.append(resolve("methods", {**method, "label": where}))
            except Issues as found:
                issues += [
                    Issue(f"{where}.{key}".rstrip("."), message) for key, message in found.issues
                ]
        issues += duplicates(methods)
        federation = {"uplink_slots": 0} if info.data.get("decision") else {}
        issues += without_uplink(methods, info.data.get("federation") or federation)
        if not given:
            issues.append(Issue("", "at least one [[methods]] is needed"))
        if issues:
            raise Issues(issues)
        return tuple(methods)

    @field_validator("headline")
    @classmethod
    def _recorded(cls, headline: Headline, info: ValidationInfo) -> Headline:
        try:
            metric(headline.metric)
            recorded: tuple[str, ...] = ()
            if info.data.get("decision"):
                recorded = OF_DECISIONS
            elif info.data.get("scenario"):
                tasks = build_row("scenario", info.data["scenario"]).metrics()
                recorded = (*tasks, *OF_ROUNDS)
                recorded += OF_FORGETTING if may_have(info.data, "forget") else ()
                if has(info.data, "stream"):
                    recorded = tuple(name for name in recorded if not over_clients(name))
                if may_have(info.data, "stream"):
                    recorded += (*OF_STREAMS, *OF_CLIENTS_IN_STREAMS)
            if recorded and headline.metric not in recorded:
                raise UnknownNameError("metric", headline.metric, recorded)
        except UnknownNameError as error:
            raise Issues([Issue("metric", str(error))]) from None
        return headline

    @field_validator("sweep", mode="before")
    @classmethod
    def _axes(cls, given: object) -> object:
        return flatten(given) if isinstance(given, Mapping) else given

    @field_validator("sweep")
    @classmethod
    def _sweepable(cls, sweep: Settings) -> Settings:
        issues: list[Issue] = []
        for key, values in sweep.items():
            if key.partition(".")[0] not in SECTIONS:
                issues.append(Issue(key, f"an axis varies an option of {', '.join(SECTIONS)}"))
            elif not values or len({repr(value) for value in values}) < len(values):
                issues.append(Issue(key, "an axis needs at least one value, and none twice"))
        if issues:
            raise Issues(issues)
        return sweep
