"""What a post's body may hold."""

import pytest

from blog import markup


class CleanTests:
    @pytest.mark.parametrize(
        "html",
        [
            "<script>alert(1)</script>",
            '<img src="x" onerror="alert(1)">',
            '<a href="javascript:alert(1)">x</a>',
            '<p style="position:fixed">x</p>',
            "<style>p { color: red }</style>",
            '<iframe src="https://evil.example"></iframe>',
            '<form action="https://evil.example"><input name="code"></form>',
            "<svg><script>alert(1)</script></svg>",
        ],
    )
    def test_removes_what_could_run_or_restyle(self, html):
        cleaned = markup.clean(html)

        for bad in ["alert", "style", "evil", "<input"]:
            assert bad not in cleaned

    @pytest.mark.parametrize(
        "src", ["https://evil.example/a.png", "//evil.example/a.png", "/\\evil.example/a.png", "data:image/png;x"]
    )
    def test_removes_pictures_of_other_hosts(self, src):
        assert markup.clean(f'<img src="{src}" alt="a">') == '<img alt="a">'

    def test_keeps_pictures_of_this_site(self):
        html = '<img src="/media/a.png" alt="a">'

        assert markup.clean(html) == html

    def test_keeps_what_a_post_is_made_of(self):
        html = "<h2>One</h2><p>A <em>word</em> and <code>code</code>.</p><ul><li>x</li></ul>"

        assert markup.clean(html) == html

    def test_twice_changes_nothing(self):
        once = markup.clean('<p>A & B < C <a href="https://example.org">x</a><b>open')

        assert markup.clean(once) == once


class ForReadingTests:
    def test_gives_headings_ids_and_lists_them(self):
        html, headings = markup.for_reading("<h2>One &amp; <em>two</em></h2><p>x</p><h2>Three</h2>")

        assert headings == [("part-1", "One & two"), ("part-2", "Three")]
        assert html == '<h2 id="part-1">One &amp; <em>two</em></h2><p>x</p><h2 id="part-2">Three</h2>'

    def test_lets_the_keyboard_scroll_long_code(self):
        assert markup.for_reading("<pre>x</pre>")[0] == '<pre tabindex="0">x</pre>'

    def test_without_headings_there_are_no_contents(self):
        assert markup.for_reading("<p>x</p>") == ("<p>x</p>", [])
