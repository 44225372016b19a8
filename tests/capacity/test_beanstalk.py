"""What Beanstalk is told about scaling, out of its option files."""

from pathlib import Path

import pytest

from capacity.beanstalk import BadOptions, Scaling, read
from capacity.options import scaling
from tests.capacity.paper import BEANSTALK

ASG = """
option_settings:
  aws:autoscaling:asg:
    MinSize: "3"
    MaxSize: "9"
    Cooldown: "120"
"""
POLICY = """
Resources:
  Scaling:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties:
      PolicyType: TargetTrackingScaling
      EstimatedInstanceWarmup: 180
      TargetTrackingConfiguration:
        CustomizedMetricSpecification: {MetricName: Connections, Dimensions: [{Name: E, Value: !Ref AWSEBEnvironmentName}]}
        TargetValue: 5000
"""


class ReadTests:
    def test_limits_come_from_the_options_and_the_target_from_the_policy(self):
        assert read({"30.config": ASG, "40.config": POLICY}) == Scaling("Connections", 5000, 3, 9, 120, 180)

    def test_what_is_not_said_is_beanstalk_s_default(self):
        found = read({"40.config": POLICY})

        assert (found.least, found.most, found.cooldown_seconds) == (1, 4, 360)

    def test_without_a_warm_up_it_is_the_cooldown(self):
        assert read({"a": ASG, "b": POLICY.replace("EstimatedInstanceWarmup: 180", "")}).warmup_seconds == 120

    def test_a_later_file_overrules_an_earlier_one(self):
        later = "option_settings: [{namespace: 'aws:autoscaling:asg', option_name: MaxSize, value: 20}]"

        assert read({"90.config": later, "30.config": ASG, "40.config": POLICY}).most == 20

    def test_files_about_other_things_say_nothing(self):
        other = "option_settings:\n  aws:elbv2:loadbalancer:\n    IdleTimeout: '120'\ncontainer_commands: {}\n"

        assert read({"1": other, "2": "# nothing\n", "3": POLICY}).target == 5000

    @pytest.mark.parametrize(
        ("files", "code"),
        [
            ({}, "no-files"),
            ({"a": ASG}, "no-policy"),
            ({"a": POLICY, "b": POLICY.replace("  Scaling:", "  Other:")}, "many-policies"),
            ({"a": "a: [", "b": POLICY}, "bad-yaml"),
            ({"a": "- 1", "b": POLICY}, "bad-yaml"),
            ({"a": ASG.replace('"9"', '"many"'), "b": POLICY}, "bad-number"),
            ({"a": ASG.replace('"9"', '"2"'), "b": POLICY}, "bad-limits"),
            ({"a": POLICY.replace("TargetValue: 5000", "")}, "bad-number"),
            ({"a": POLICY.replace("5000", "0")}, "bad-limits"),
            ({"a": "Resources: [1]", "b": POLICY}, "bad-yaml"),
            ({"a": "Resources: {X: 1}", "b": POLICY}, "bad-yaml"),
            ({"a": "option_settings: 3", "b": POLICY}, "bad-yaml"),
            ({"a": "option_settings: {'aws:autoscaling:asg': 3}", "b": POLICY}, "bad-yaml"),
            ({"a": "option_settings: [3]", "b": POLICY}, "bad-yaml"),
        ],
    )
    def test_what_cannot_be_read_is_said_with_a_code(self, files, code):
        with pytest.raises(BadOptions) as caught:
            read(files)

        assert caught.value.code == code


class FolderTests:
    def test_a_role_is_read_with_what_is_common(self):
        assert scaling(BEANSTALK, "signaling") == Scaling("Connections", 10_000, 2, 12, 120, 180)
        assert scaling(BEANSTALK, "web") == Scaling("ALBRequestCountPerTarget", 10500, 2, 12, 120, 180)

    def test_an_unpacked_bundle_has_its_files_on_top(self, tmp_path: Path):
        folder = tmp_path / ".ebextensions"
        folder.mkdir()
        (folder / "40.config").write_text(POLICY)

        assert scaling(tmp_path, "signaling").target == 5000
