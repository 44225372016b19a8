"""A post's text as it stands on a page."""

from blog import article


def make(html: str) -> article.Article:
    return article.make(html, draw=lambda layout: f"[{layout['chart'].title}]")


class HeadingTests:
    def test_they_get_ids_and_are_listed(self):
        html, headings = make("<h2>One &amp; <em>two</em></h2><p>x</p><h2>Three</h2>")

        assert headings == [("part-1", "One & two"), ("part-2", "Three")]
        assert html == '<h2 id="part-1">One &amp; <em>two</em></h2><p>x</p><h2 id="part-2">Three</h2>'

    def test_without_them_there_are_no_contents(self):
        assert make("<p>x</p>") == ("<p>x</p>", [])


class CodeTests:
    def test_the_keyboard_scrolls_it(self):
        assert make("<pre>x</pre>").html == '<pre tabindex="0">x</pre>'

    def test_a_language_gives_it_colours(self):
        html = make('<pre><code class="language-python">return 1 &lt; 2</code></pre>').html

        assert '<span class="code-k">return</span>' in html
        assert "&lt;" in html

    def test_a_language_that_nobody_knows_gives_it_none(self):
        html = make('<pre><code class="language-nothing">a &lt; b</code></pre>').html

        assert html == '<pre tabindex="0"><code>a &lt; b</code></pre>'

    def test_what_looks_like_markup_in_it_stays_text(self):
        html = make('<pre><code class="language-html">&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>').html

        assert "<script" not in html


class TableTests:
    def test_a_wide_one_scrolls_by_itself(self):
        html = make("<table><tbody><tr><td>x</td></tr></tbody></table>").html

        assert html.startswith('<div class="table-scroll" tabindex="0"><table>')


class ChartTests:
    def test_code_in_the_language_chart_becomes_one(self):
        assert make('<pre><code class="language-chart">title: Minutes\na: 1\nb: 2</code></pre>').html == "[Minutes]"

    def test_a_wrong_one_says_what_is_wrong(self):
        html = make('<pre><code class="language-chart">title: Minutes\na: &lt;b&gt;\nb: 2</code></pre>').html

        assert "line 2 has “&lt;b&gt;” where a number should be." in html
