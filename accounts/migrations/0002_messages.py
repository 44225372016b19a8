"""Editors read what visitors write and say what is done; they order the topics of questions."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

_MAY = ["view_message", "change_message", "add_faqtopic", "change_faqtopic", "delete_faqtopic", "view_faqtopic"]


def permit(apps, schema_editor):
    # Django makes permissions after all migrations; this one needs them now.
    config = installed.get_app_config("pages")
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    permissions = apps.get_model("auth", "Permission").objects
    for group in apps.get_model("auth", "Group").objects.filter(name="Editors"):  # unless somebody has removed it
        group.permissions.add(*permissions.filter(content_type__app_label="pages", codename__in=_MAY))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_editors"), ("pages", "0004_topic_of_each")]
    operations = [migrations.RunPython(permit, migrations.RunPython.noop)]
