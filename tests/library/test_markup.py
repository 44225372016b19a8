"""What rich text may hold."""

import pytest

from library import markup


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
        "image",
        [
            '<img src="https://evil.example/a.png" alt="a">',
            '<img src="/media/a.png" alt="a">',
            '<img src="data:image/png;x" data-picture="1 onload=alert(1)">',
            '<img data-picture="0">',
            '<img alt="&gt;<script>alert(1)</script>">',
        ],
    )
    def test_removes_images_that_are_not_of_the_library(self, image):
        assert markup.clean(f"<p>x{image}</p>") == "<p>x</p>"

    def test_keeps_the_number_of_a_picture_and_what_it_shows(self):
        html = '<figure><img data-picture="7" alt="A &gt; sea"><figcaption>At six</figcaption></figure>'

        assert markup.clean(html.replace("<img", '<img src="/admin/x" style="width:9px"')) == html

    def test_of_classes_only_the_language_of_code_stays(self):
        assert (
            markup.clean('<pre><code class="language-python">x</code></pre>')
            == '<pre><code class="language-python">x</code></pre>'
        )
        assert markup.clean('<code class="evil">x</code><p class="y">z</p>') == "<code>x</code><p>z</p>"

    def test_keeps_what_a_post_is_made_of(self):
        html = "<h2>One</h2><p>A <em>word</em> and <code>code</code>.</p><ul><li>x</li></ul>"

        assert markup.clean(html) == html

    def test_the_empty_paragraphs_at_the_end_where_one_could_have_written_on_go(self):
        assert markup.clean("<p>x</p><p></p><p> </p>") == "<p>x</p>"
        assert markup.clean("<p></p>") == ""

    def test_twice_changes_nothing(self):
        once = markup.clean('<p>A & B < C <a href="https://example.org">x</a><b>open')

        assert markup.clean(once) == once


class WordsTests:
    def test_blocks_are_apart(self):
        assert markup.plain("<h2>One</h2><p>two &amp; <em>three</em></p>") == "One two & three"
        assert markup.words("<p>one two</p><p>three</p>") == 3
        assert markup.lines("<p>one two</p><ul><li>three</li></ul>") == ["one two", "three"]


class PicturesInTests:
    HTML = '<figure><img data-picture="7" alt="a"></figure><p>x</p>'
    HTML += '<figure><img data-picture="3"></figure><figure><img data-picture="7"></figure>'

    def test_each_is_named_once_in_order(self):
        assert markup.pictures_in(self.HTML) == [7, 3]

    def test_something_stands_for_each(self):
        html = markup.replace_pictures(self.HTML, lambda number: f"[{number}]")

        assert html == "<figure>[7]</figure><p>x</p><figure>[3]</figure><figure>[7]</figure>"
