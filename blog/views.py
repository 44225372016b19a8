"""The list of posts, its parts by time, tag and author, and each post."""

from datetime import datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from blog.models import Author, Post, PostQuerySet, Tag
from library import linked_data

_PER_PAGE = 10
_RELATED = 3
_ABOUT = gettext_lazy("How Gruveo is made, and what we learn on the way.")


@require_safe
def post_list(request: HttpRequest) -> HttpResponse:
    return _list(request, Post.objects.published(), title=_("Blog"), summary=_ABOUT, is_whole=True)


@require_safe
def year(request: HttpRequest, year: int) -> HttpResponse:
    posts = Post.objects.published().filter(published_at__year=_year(year))
    months = [month for month in Post.objects.months() if month.year == year]
    summary = _("What was published in %(time)s.") % {"time": year}
    return _list(request, _some(posts), title=f"{year}", summary=summary, months=months)


@require_safe
def month(request: HttpRequest, year: int, month: int) -> HttpResponse:
    if not 1 <= month <= 12:
        raise Http404
    posts = Post.objects.published().filter(published_at__year=_year(year), published_at__month=month)
    title = date_format(datetime(year, month, 1), "YEAR_MONTH_FORMAT")
    summary = _("What was published in %(time)s.") % {"time": title}
    return _list(request, _some(posts), title=title, summary=summary)


@require_safe
def tag(request: HttpRequest, slug: str) -> HttpResponse:
    tag = get_object_or_404(Tag, slug=slug)
    posts = _some(Post.objects.published().filter(tags=tag))
    feeds = {"rss": reverse("blog:tag-rss", args=[slug]), "atom": reverse("blog:tag-atom", args=[slug])}
    summary = _("What we have written about %(tag)s.") % {"tag": tag.name}
    return _list(request, posts, title=tag.name, summary=summary, feeds=feeds)


@require_safe
def author(request: HttpRequest, slug: str) -> HttpResponse:
    author = get_object_or_404(Author.objects.select_related("picture"), slug=slug)
    posts = _some(Post.objects.published().filter(authors=author))
    summary = author.bio or _("What %(author)s has written.") % {"author": author.name}
    return _list(request, posts, title=author.name, summary=summary, author=author)


@require_safe
def post(request: HttpRequest, slug: str) -> HttpResponse:
    """A draft and a post of the future are 404, as if they did not exist."""
    post = get_object_or_404(Post.objects.published().whole(), slug=slug)
    return render(request, "blog/post.html", {**_context(post), "linked_data": _described(request, post)})


@require_safe
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """The real page of a post that is not published yet, for those who were given its address."""
    post = get_object_or_404(Post.objects.kept().whole(), preview_key=key)
    response = render(request, "blog/post.html", {**_context(post), "is_preview": True})
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    patch_cache_control(response, no_store=True)
    return response


def _list(request: HttpRequest, posts: PostQuerySet, **context) -> HttpResponse:
    page = Paginator(posts.for_cards(), _PER_PAGE).get_page(request.GET.get("page"))
    number = f"?page={page.number}" if page.number > 1 else ""
    context = {"canonical": request.path + number, **context}
    return render(request, "blog/list.html", {"section": "blog", "page": page, **context})


def _context(post: Post) -> dict:
    return {"section": "blog", "post": post, **post.around(_RELATED)._asdict()}


def _described(request: HttpRequest, post: Post) -> SafeString:
    """
    Source: schema.org, BlogPosting.
    """
    url = request.build_absolute_uri(post.get_absolute_url())
    image = request.build_absolute_uri(post.cover.file.url) if post.cover else ""
    authors = [
        {"@type": "Person", "name": author.name, "url": request.build_absolute_uri(author.get_absolute_url())}
        for author in post.authors.all()
    ]
    return mark_safe(  # escaped in `script`
        linked_data.script(
            {
                "@type": "BlogPosting",
                "headline": post.shared_title,
                "inLanguage": post.language,
                "description": post.shared_description,
                "datePublished": post.published_at.isoformat(),
                "dateModified": max(post.updated, post.published_at).isoformat(),
                "author": authors or {"@type": "Organization", "name": "Gruveo"},
                "publisher": {"@type": "Organization", "name": "Gruveo", "url": request.build_absolute_uri("/")},
                "keywords": [tag.name for tag in post.tags.all()],
                "image": image,
                "mainEntityOfPage": url,
                "url": url,
            }
        )
    )


def _some(posts: PostQuerySet) -> PostQuerySet:
    """A page about nothing would be an address that anybody can make up."""
    if not posts.exists():
        raise Http404
    return posts


def _year(year: int) -> int:
    if not 2000 <= year <= timezone.now().year:
        raise Http404
    return year
