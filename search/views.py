"""The page on which visitors search the blog, the questions and the pages."""

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from search import finding, words


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """`q` is what somebody looks for, `page` which part of what was found."""
    typed = " ".join(request.GET.get("q", "").replace("\0", " ").split())[: words.LONGEST]
    answer = finding.find(typed, page=_number(request.GET.get("page", ""))) if typed else None
    context = {"section": "search", "typed": typed, "answer": answer}
    if answer:
        context["page"] = Page(answer.found, answer.page, Paginator(range(answer.count), finding.PER_PAGE))
    return render(request, "search/results.html", context)


def _number(text: str) -> int:
    return max(1, int(text[:6])) if text.isascii() and text.isdecimal() else 1
