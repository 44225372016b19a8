"""The list of posts and each post."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from blog.models import Post

_PER_PAGE = 10


@require_safe
def post_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(Post.objects.published(), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "blog/list.html", {"section": "blog", "page": page})


@require_safe
def post(request: HttpRequest, slug: str) -> HttpResponse:
    """A draft and a post of the future are 404, as if they did not exist."""
    return render(
        request, "blog/post.html", {"section": "blog", "post": get_object_or_404(Post.objects.published(), slug=slug)}
    )
