"""`python fill.py POSTS.json`: makes the tables and a site that holds these posts."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up before its models are imported
from django.db import transaction  # noqa: E402
from posts.models import Author, PostIndexPage, PostPage, TextPage  # noqa: E402
from wagtail.models import Page, Site  # noqa: E402


@transaction.atomic
def fill(posts: list[dict]) -> None:
    root = Page.objects.get(depth=1)
    Page.objects.filter(depth=2).delete()
    home = root.add_child(instance=TextPage(title="Home", slug="home", body="<p>Home</p>"))
    Site.objects.update_or_create(
        is_default_site=True, defaults={"hostname": "127.0.0.1", "port": 80, "root_page": home}
    )
    for title in ("About", "Privacy", "Terms"):
        home.add_child(instance=TextPage(title=title, slug=title.lower(), body="<p>Text</p>", show_in_menus=True))
    index = home.add_child(
        instance=PostIndexPage(title="Blog", slug="blog", summary="What we learn.", show_in_menus=True)
    )
    authors = {
        name: Author.objects.create(name=name) for name in sorted({name for post in posts for name in post["authors"]})
    }
    for post in posts:
        page = PostPage(
            title=post["title"],
            slug=post["slug"],
            summary=post["summary"],
            search_description=post["summary"],
            body=post["body"],
            published=datetime.fromisoformat(post["published_at"]),
        )
        page.authors = [authors[name] for name in post["authors"]]
        page.tags.add(*post["tags"])
        index.add_child(instance=page)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    fill(json.loads(Path(sys.argv[1]).read_text()))
