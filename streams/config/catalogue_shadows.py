"""`[shadow_calls]` of the catalogue and its experiments in the shadow: their models, judge, shares and budget."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from router.catalogue import Model
from router.errors import CatalogueError
from router.experiments import Experiment
from router.shadow_rules import ShadowRules
from streams.config.catalogue_sentences import instead_of, key_of
from streams.config.catalogue_shape import RawCatalogue, RawShadowCalls


def checked_shadow_calls(
    raw: RawCatalogue, models: Mapping[str, Model], experiments: Sequence[Experiment]
) -> ShadowRules | None:
    """Return who is asked besides and who judges, None without the table.

    Args:
        raw: the whole file.
        models: its checked models by name.
        experiments: those with `shadow = true`.

    Raises:
        CatalogueError: something is wrong; one sentence with key and fix.
    """
    asked = raw.shadow_calls
    if asked is None:
        for one in experiments:
            raise CatalogueError(
                f"{key_of('experiments', one.name)}.shadow needs a budget; add [shadow_calls] with budget_usd_per_day."
            )
        return None
    _check_shares(asked, experiments)
    keys = [(f"shadow_calls.models[{place}]", name) for place, name in enumerate(asked.models)]
    keys += [("shadow_calls.judge", asked.judge)] if asked.judge is not None else []
    for place, (key, name) in enumerate(keys):
        if name not in models:
            raise CatalogueError(f'{key} is "{name}", which is not in [models]; {instead_of(name, models)}')
        if models[name].price is None:
            raise CatalogueError(
                f'{key} is "{name}", which has no price, so that no budget can hold; give it one, or choose another.'
            )
        if key != "shadow_calls.judge" and name in asked.models[:place]:
            raise CatalogueError(f'{key} is "{name}" for the second time; remove it.')
    if asked.judge is not None and asked.models == [asked.judge]:
        raise CatalogueError(
            f'shadow_calls.judge is "{asked.judge}", the only one of models, and none judges its own answers; add '
            "another model, or choose another judge."
        )
    return ShadowRules(
        asked.share, asked.budget_usd_per_day, tuple(asked.models), asked.judge, asked.at_once, tuple(experiments)
    )


def _check_shares(asked: RawShadowCalls, experiments: Sequence[Experiment]) -> None:
    if asked.share and not asked.models:
        raise CatalogueError("shadow_calls.models is empty; name at least one model that is asked besides.")
    if not asked.share and (asked.models or not experiments):
        raise CatalogueError(
            "shadow_calls.share is 0, so nothing is asked of its models; raise it, or leave both out where an "
            "experiment has shadow = true."
        )
    if (total := sum(Decimal(str(share)) for share in (asked.share, *(one.share for one in experiments)))) > 1:
        raise CatalogueError(
            f"shadow_calls.share and the shares of experiments with shadow = true are {total} together, must be 1 or "
            "less; lower one."
        )
