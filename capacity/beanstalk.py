"""
What Elastic Beanstalk is told about scaling, read out of its option files. Pure: the texts are given.

    aws:autoscaling:asg          MinSize, MaxSize, Cooldown
    AWS::AutoScaling::ScalingPolicy in Resources, of type TargetTrackingScaling: TargetValue, EstimatedInstanceWarmup

Files are read in the order of their names, and a later one overrules an earlier one, as Beanstalk does it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import yaml

_ASG = "aws:autoscaling:asg"
_DEFAULTS = {"MinSize": 1, "MaxSize": 4, "Cooldown": 360}  # Beanstalk's own


class BadOptions(ValueError):
    """`code`: no-files, bad-yaml, bad-number, bad-limits, no-policy or many-policies."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Scaling(NamedTuple):
    """`target` is per instance, of the metric of that name. Without a warm-up of its own a policy has the cooldown as one."""

    metric: str
    target: float
    least: int
    most: int
    cooldown_seconds: float
    warmup_seconds: float


class _Loader(yaml.SafeLoader):
    """With CloudFormation's short forms, such as !Ref, which say nothing here."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: suffix)


def read(files: Mapping[str, str]) -> Scaling:
    """
    From the texts of .ebextensions/*.config by their names.

    Raises:
        BadOptions: see there.
    """
    if not files:
        raise BadOptions("no-files", "There are no option files.")
    options, policies = dict(_DEFAULTS), {}
    for name, text in sorted(files.items()):
        try:
            own_options, own_policies = _parts(yaml.load(text, Loader=_Loader) or {})
        except (yaml.YAMLError, AttributeError, TypeError) as error:  # other shapes than Beanstalk's
            raise BadOptions("bad-yaml", f"{name} is no option file: {error}") from error
        options |= own_options
        policies |= own_policies
    tracking = [policy for policy in policies.values() if policy.get("PolicyType") == "TargetTrackingScaling"]
    if len(tracking) != 1:
        code = "many-policies" if tracking else "no-policy"
        raise BadOptions(code, f"There are {len(tracking)} policies of target tracking; there should be one.")
    return _scaling(options, tracking[0])


def _parts(told: dict) -> tuple[dict, dict]:
    """Options of the group of machines, and policies by the names of their resources."""
    policies = {
        name: resource.get("Properties") or {}
        for name, resource in (told.get("Resources") or {}).items()
        if resource.get("Type") == "AWS::AutoScaling::ScalingPolicy"
    }
    return dict(_asg_options(told.get("option_settings") or {})), policies


def _asg_options(settings: dict | list) -> dict:
    """Both ways of writing them: by namespace, or as a list of namespace, option_name and value."""
    if isinstance(settings, list):
        return {one.get("option_name"): one.get("value") for one in settings if one.get("namespace") == _ASG}
    return settings.get(_ASG) or {}


def _scaling(options: dict, policy: dict) -> Scaling:
    tracking = policy.get("TargetTrackingConfiguration") or {}
    own, known = tracking.get("CustomizedMetricSpecification"), tracking.get("PredefinedMetricSpecification")
    metric = (own or {}).get("MetricName") or (known or {}).get("PredefinedMetricType") or "?"
    cooldown = _number(options, "Cooldown")
    warmup = _number(policy, "EstimatedInstanceWarmup") if "EstimatedInstanceWarmup" in policy else cooldown
    least, most = int(_number(options, "MinSize")), int(_number(options, "MaxSize"))
    target = _number(tracking, "TargetValue")
    if not 1 <= least <= most or target <= 0:
        raise BadOptions(
            "bad-limits", f"MinSize {least}, MaxSize {most} and TargetValue {target:g} do not fit together."
        )
    return Scaling(metric, target, least, most, cooldown, warmup)


def _number(options: dict, name: str) -> float:
    try:
        return float(options[name])
    except (KeyError, TypeError, ValueError):
        raise BadOptions("bad-number", f"{name} is {options.get(name)!r}, which is no number.") from None
