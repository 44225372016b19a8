"""Apart from the one before: PostgreSQL changes no table in a transaction that has written to it and must still check a key."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pages", "0003_topics")]
    operations = [
        migrations.AlterField(
            model_name="faqentry",
            name="topic",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="pages.faqtopic"),
        ),
        migrations.RemoveField(model_name="faqentry", name="topic_name"),
    ]
