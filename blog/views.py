"""The list of posts, its parts by time, tag and author, and each post."""

from datetime import datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from blog.models import Author, Post, PostQuerySet, Tag

_PER_PAGE = 10
_RELATED = 3


@require_safe
def post_list(request: HttpRequest) -> HttpResponse:
    return _list(request, Post.objects.published(), archive=Post.objects.months())


@require_safe
def year(request: HttpRequest, year: int) -> HttpResponse:
    posts = Post.objects.published().filter(published_at__year=_year(year))
    return _list(request, _some(posts), title=f"Posts of {year}")


@require_safe
def month(request: HttpRequest, year: int, month: int) -> HttpResponse:
    if not 1 <= month <= 12:
        raise Http404
    posts = Post.objects.published().filter(published_at__year=_year(year), published_at__month=month)
    return _list(request, _some(posts), title=f"Posts of {datetime(year, month, 1):%B} {year}")


@require_safe
def tag(request: HttpRequest, slug: str) -> HttpResponse:
    tag = get_object_or_404(Tag, slug=slug)
    return _list(request, _some(Post.objects.published().filter(tags=tag)), title=f"Posts about {tag.name}", tag=tag)


@require_safe
def author(request: HttpRequest, slug: str) -> HttpResponse:
    author = get_object_or_404(Author.objects.select_related("picture"), slug=slug)
    posts = _some(Post.objects.published().filter(authors=author))
    return _list(request, posts, title=f"Posts by {author.name}", author=author)


@require_safe
def post(request: HttpRequest, slug: str) -> HttpResponse:
    """A draft and a post of the future are 404, as if they did not exist."""
    post = get_object_or_404(Post.objects.published().whole(), slug=slug)
    return render(request, "blog/post.html", _context(post))


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
    page = Paginator(posts.whole(), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "blog/list.html", {"section": "blog", "page": page, **context})


def _context(post: Post) -> dict:
    return {
        "section": "blog",
        "post": post,
        "related": post.related(_RELATED),
        "newer": post.neighbour(1),
        "older": post.neighbour(-1),
    }


def _some(posts: PostQuerySet) -> PostQuerySet:
    """A page about nothing would be an address that anybody can make up."""
    if not posts.exists():
        raise Http404
    return posts


def _year(year: int) -> int:
    if not 2000 <= year <= timezone.now().year:
        raise Http404
    return year
