"""Exports of WordPress are read whole, or refused with the place at which they are wrong."""

from datetime import UTC, datetime

import pytest

from library import wxr
from tests.library.wordpress_file import author, category, export, item, picture


def test_all_of_an_item_is_read():
    data = export(
        author("ada", "Ada L."),
        category("news", "News"),
        category("local", "Local", "news"),
        item(
            7,
            "A & B ]]> C",
            body="<p>x</p>",
            excerpt="Short.",
            terms=[("category", "local", "Local"), ("post_tag", "fun", "Fun")],
            meta={"_thumbnail_id": "9"},
            comments=3,
            sticky=True,
        ),
        picture(9, "2019/05/sea.jpg", alt="A sea"),
    )

    site = wxr.read(data)

    assert (site.url, site.title, site.authors) == ("https://old.example", "Old blog", {"ada": "Ada L."})
    assert site.terms["category", "local"].parent == "news"
    post, attachment = site.items
    assert (post.title, post.body, post.excerpt, post.comments, post.is_sticky) == (
        "A & B ]]> C",
        "<p>x</p>",
        "Short.",
        3,
        True,
    )
    assert post.published == datetime(2019, 5, 1, 8, tzinfo=UTC)
    assert [(term.kind, term.slug) for term in post.terms] == [("category", "local"), ("post_tag", "fun")]
    assert post.meta == {"_thumbnail_id": "9"}
    assert attachment.meta["_wp_attachment_image_alt"] == "A sea"


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_every_version_is_read(version):
    site = wxr.read(export(item(1)).replace(b"/export/1.2/", f"/export/{version}/".encode()))

    assert site.items[0].slug == "post-1"


def test_an_export_whose_addresses_were_all_rewritten_to_https_is_read():
    data = export(item(1, body="<p>x</p>", excerpt="Short.")).replace(b"http://", b"https://")

    (read,) = wxr.read(data).items

    assert (read.slug, read.body, read.excerpt, read.author) == ("post-1", "<p>x</p>", "Short.", "ada")


@pytest.mark.parametrize(
    ("told", "published"),
    [
        ("Wed, 05 Jun 2024 16:04:48 +0000", datetime(2024, 6, 5, 16, 4, 48, tzinfo=UTC)),
        ("Mon, 30 Nov -0001 00:00:00 +0000", None),  # as WordPress writes a draft's
        ("soon", None),
        ("", None),
    ],
)
def test_where_wordpress_has_no_time_the_feed_may(told, published):
    (read,) = wxr.read(export(item(1, date="0000-00-00 00:00:00", told=told))).items

    assert read.published == published


def test_bytes_that_are_no_utf_8_and_control_characters_are_mended_and_told():
    data = export(item(1, body="caf@\n\n# x")).replace(b"caf@", b"caf\xe9 \x93q\x94").replace(b"# x", b"\x0b\x08x")

    site = wxr.read(data)

    assert site.items[0].body == "café “q”\n\nx"
    assert len(site.notes) == 5
    line = data[: data.index(b"\xe9")].count(b"\n") + 1
    assert f"line {line}: the byte 0xE9 is no UTF-8, it is read as “é”" in site.notes[0]


def test_another_encoding_is_read_when_it_is_said():
    data = export(item(1, body="café")).decode().replace("UTF-8", "ISO-8859-1").encode("latin-1")

    assert wxr.read(data).items[0].body == "café"


BOMB = (
    b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY a "a"><!ENTITY b "&a;&a;&a;">]>\n<rss><channel>&b;</channel></rss>'
)


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"", "empty", "empty"),
        (b" \n", "empty", "empty"),
        (b"PK\x03\x04", "not-xml", "unpack it first"),
        (b"\x89PNG", "not-xml", "Line 1"),
        (b"<!doctype html><html><p>Not found</html>", "broken-xml", "Line 1, column"),
        (b"<rss><channel><item></channel></rss>", "broken-xml", "Line 1, column 23: mismatched tag"),
        (export(item(1))[:-40], "broken-xml", "Line "),
        (export(item(1)).replace(b"</item>", b""), "broken-xml", "mismatched tag"),
        (export(item(1)).replace(b"<![CDATA[Hello]]>", b"A & B"), "broken-xml", "not well-formed"),
        (b"<rss><channel><title>News</title></channel></rss>", "not-wordpress", "no export of WordPress"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "not-wordpress", "no export of WordPress"),
        (BOMB, "entities", "Line 2"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><rss/>', "entities", "Line 1"),
        (export(item(1)).replace(b"UTF-8", b"KLINGON"), "bad-encoding", "KLINGON"),
        (export(item(1)).replace(b"<wp:post_id>1", b"<wp:post_id>x"), "bad-item", "Item 1"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else None,
)
def test_what_is_no_export_is_refused_with_its_place(data, code, place):
    with pytest.raises(wxr.BadFile, match=place) as refused:
        wxr.read(data)

    assert refused.value.code == code
