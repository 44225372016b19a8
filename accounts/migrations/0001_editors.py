"""The group whose members write: texts, pictures and addresses, and nothing else."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

_MAY = {
    "library": ["picture", "redirect"],
    "blog": ["post", "author", "tag"],
    "pages": ["page", "faqentry"],
}


def make_group(apps, schema_editor):
    for label in _MAY:
        # Django makes permissions after all migrations; this one needs them now.
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps, using=schema_editor.connection.alias)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Editors")
    permissions = apps.get_model("auth", "Permission").objects
    for label, models in _MAY.items():
        group.permissions.add(*permissions.filter(content_type__app_label=label, content_type__model__in=models))


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("library", "0001_initial"),
        ("blog", "0002_editors"),
        ("pages", "0001_initial"),
    ]
    operations = [migrations.RunPython(make_group, migrations.RunPython.noop)]
