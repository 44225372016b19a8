"""What becomes of WordPress's markup."""

# ruff: noqa: E501 - markup as it comes from there

import pytest

from library.wordpress import Surroundings, convert, excerpt, without_size

FILES = {6: 16, 8: 18, "/wp-content/uploads/sea.jpg": 16}


def around(**more) -> Surroundings:
    return Surroundings(
        picture=lambda number, address: FILES.get(number) or FILES.get(without_size(address)),
        link=lambda address: {"https://old.example/hello/": "/blog/hello/"}.get(address),
        **more,
    )


def made(body: str, **more) -> str:
    return convert(body, around(**more))[0]


def notes(body: str, **more) -> list[str]:
    return convert(body, around(**more))[1]


SEA = '<figure><img alt="" data-picture="16"></figure>'


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ("One\n\nTwo\nmore", "<p>One</p>\n<p>Two<br>more</p>"),
        ("<h1>A</h1>\nText\n\n<h6>B</h6>", "<h2>A</h2>\nText\n<h4>B</h4>"),
        ("One<!--more-->\n\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("<div style='x'><p>In</p></div>", "<p>In</p>"),
        ("<ul>\n<li>a</li>\n</ul>", "<ul>\n<li>a</li>\n</ul>"),
        ('<p style="text-align:center" onclick="x()">Mid</p>', "<p>Mid</p>"),
        ("<pre>a\n\nb &lt;i&gt;</pre>", "<pre><code>a\n\nb &lt;i&gt;</code></pre>"),
        ('<pre class="brush: python; gutter: false">if a < b:\n\n    pass</pre>', '<pre><code class="language-python">if a &lt; b:\n\n    pass</code></pre>'),
        ('[code language="js"]if (a && b) { [x] }[/code]', '<pre><code class="language-js">if (a &amp;&amp; b) { [x] }</code></pre>'),
        ("[sourcecode]\na\n\nb\n[/sourcecode]", "<pre><code>a\n\nb</code></pre>"),
        ("He said [sic] so, see [1].", "<p>He said [sic] so, see [1].</p>"),
        ("Use [[gallery]] for that.", "<p>Use [gallery] for that.</p>"),
        ("[embed]https://video.example/1[/embed]", '<p><a href="https://video.example/1" rel="noopener">https://video.example/1</a></p>'),
        ('<iframe src="https://video.example/2"></iframe>', '<p><a href="https://video.example/2" rel="noopener">https://video.example/2</a></p>'),
        ('See <a href="https://old.example/hello/">this</a>.', '<p>See <a href="/blog/hello/" rel="noopener">this</a>.</p>'),
    ],
)  # fmt: skip
def test_classic_markup(body, ours):
    assert made(body) == ours


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ('<img class="alignleft size-medium wp-image-6" src="https://old.example/x.jpg">', SEA),
        ('<img src="https://old.example/wp-content/uploads/sea-300x200.jpg">', SEA),
        ('<a href="https://old.example/wp-content/uploads/sea.jpg"><img class="wp-image-6"></a>', SEA),
        ('Before <em>x <img class="wp-image-6"> y</em> after', f"<p>Before <em>x </em></p>{SEA}<p><em> y</em> after</p>"),
        ('[caption id="attachment_6" width="300"]<img class="wp-image-6"> The <b>sea</b>[/caption]', '<figure><img alt="" data-picture="16"><figcaption>The <b>sea</b></figcaption></figure>'),
        ('[caption width="300" caption="Old &quot;style&quot;"]<a href="x"><img class="wp-image-6"></a>[/caption]', '<figure><img alt="" data-picture="16"><figcaption>Old "style"</figcaption></figure>'),
        ('[gallery ids="6,8"]', SEA + SEA.replace("16", "18")),
        ("[gallery]", SEA),
        ('<!-- wp:image {"id":6} -->\n<figure class="wp-block-image size-large"><img src="x" class="wp-image-6"/><figcaption class="wp-element-caption">Sea</figcaption></figure>\n<!-- /wp:image -->', '<figure><img alt="" data-picture="16"><figcaption>Sea</figcaption></figure>'),
        ('<!-- wp:gallery {"ids":[6,8]} --><figure class="wp-block-gallery columns-2"><ul class="blocks-gallery-grid"><li class="blocks-gallery-item"><figure><img class="wp-image-6"></figure></li><li><figure><img class="wp-image-8"></figure></li></ul></figure><!-- /wp:gallery -->', SEA + SEA.replace("16", "18")),
        ('<!-- wp:gallery --><figure class="wp-block-gallery has-nested-images"><!-- wp:image {"id":6} --><figure class="wp-block-image"><img class="wp-image-6"/></figure><!-- /wp:image --></figure><!-- /wp:gallery -->', SEA),
    ],
)  # fmt: skip
def test_pictures(body, ours):
    assert made(body, children=[6]).replace("\n", "") == ours


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        ("<!-- wp:paragraph -->\n<p>One<br>line</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:heading {\"level\":3} -->\n<h3 class=\"wp-block-heading\">H</h3>\n<!-- /wp:heading -->", "<p>One<br>line</p><h3>H</h3>"),
        ('<!-- wp:list --><ul><!-- wp:list-item --><li>a</li><!-- /wp:list-item --></ul><!-- /wp:list -->', "<ul><li>a</li></ul>"),
        ('<!-- wp:quote --><blockquote class="wp-block-quote"><p>Q</p><cite>Who</cite></blockquote><!-- /wp:quote -->', "<blockquote><p>Q</p>Who</blockquote>"),
        ('<!-- wp:code --><pre class="wp-block-code"><code>a &lt; b\n\nc</code></pre><!-- /wp:code -->', "<pre><code>a &lt; bc</code></pre>"),
        ('<!-- wp:table --><figure class="wp-block-table"><table><tbody><tr><td>1</td></tr></tbody></table><figcaption>T</figcaption></figure><!-- /wp:table -->', "<table><tbody><tr><td>1</td></tr></tbody></table><p><em>T</em></p>"),
        ('<!-- wp:embed {"url":"https://video.example/1","type":"video"} --><figure class="wp-block-embed"><div class="wp-block-embed__wrapper">https://video.example/1</div></figure><!-- /wp:embed -->', "https://video.example/1"),
        ('<!-- wp:columns --><div class="wp-block-columns"><!-- wp:column --><div><p>a</p></div><!-- /wp:column --></div><!-- /wp:columns -->', "<p>a</p>"),
        ('<!-- wp:separator --><hr class="wp-block-separator"/><!-- /wp:separator -->', "<hr>"),
        ('<!-- wp:block {"ref":12} /-->', "<p>Again</p>"),
        ('<!-- wp:paragraph --><p></p><!-- /wp:paragraph --><!-- wp:paragraph --><p>&nbsp;</p><!-- /wp:paragraph -->', ""),
    ],
)  # fmt: skip
def test_blocks(body, ours):
    assert (
        made(body, reusable={12: "<!-- wp:paragraph --><p>Again</p><!-- /wp:paragraph -->"}).replace("\n", "") == ours
    )


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ('<img class="wp-image-99" src="https://old.example/gone.jpg">', "the picture https://old.example/gone.jpg is not among the files"),
        ('[contact-form-7 id="1" title="x"]', "the shortcode [contact-form-7] is not known here"),
        ("[box]in[/box]", "the shortcode [box] is not known here"),
        ("<!-- wp:latest-posts /-->", "the block latest-posts is not known here, and is left out"),
        ('<!-- wp:acme/map {"a":1} --><div>x</div><!-- /wp:acme/map -->', "the block acme/map is not known here"),
        ('<!-- wp:block {"ref":99} /-->', "a reusable block is not in the file"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told(body, note):
    assert notes(body) == [note]


def test_what_is_known_is_told_of_with_no_word():
    assert notes("<p>x</p>\n\n[gallery ids='6']\n\n<!-- wp:paragraph --><p>y</p><!-- /wp:paragraph -->") == []


@pytest.mark.parametrize(
    "body",
    ["<script>alert(1)</script>x", '<a href="javascript:alert(1)">x</a>', '<img src=x onerror=alert(1)>x', "<svg onload=alert(1)>x</svg>",
     '<iframe src="javascript:alert(1)"></iframe>x', "[caption]<script>alert(1)</script>[/caption]x",
     '[embed]http://a"><script>alert(1)</script>[/embed]x', '<!-- wp:embed {"url":"http://a\\"onx=\\"alert(1)"} /-->x',
     "[code]</code></pre><script>alert(1)</script>[/code]x", "<pre><script>alert(1)</script></pre>x"],
)  # fmt: skip
def test_nothing_in_it_can_run(body):
    html = made(body)

    assert "<script" not in html and "javascript:" not in html and "onerror" not in html and " onx=" not in html
    assert "x" in html


@pytest.mark.parametrize("body", ["[", "]", "[a", "[[", "<", "<!--", "<!-- wp:", "<pre>", "[code]", "[caption]", "[/caption]", "\x1a0\x1a", "&", "<figure>", "</p></p>", "[gallery ids=]", "a" * 100_000, "[x y='" * 2000, "<p>" * 5000, "<!-- wp:a -->" * 5000], ids=lambda body: body[:12])  # fmt: skip
def test_broken_markup_is_no_error(body):
    made(body)


def test_an_excerpt_ends_at_a_word():
    assert excerpt("<p>One two three</p>", 20) == "One two three"
    assert excerpt("<p>One two, three</p>", 10) == "One two…"
