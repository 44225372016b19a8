"""Three posts for a new site."""

from datetime import UTC, datetime

from django.db import transaction

from blog.models import Author, Post, Tag

_AUTHOR = {"slug": "gruveo", "name": "The Gruveo team", "bio": "We make Gruveo, and answer when you write to us."}
_TAGS = {"codes": "Codes", "how-calls-work": "How calls work", "privacy": "Privacy", "scaling": "Scaling"}

_POSTS = [
    {
        "slug": "a-code-is-enough",
        "title": "A code is enough",
        "tags": ["codes", "privacy"],
        "summary": "No account, no address book, no invitation. Why two people only need a word to meet, and how to choose a good one.",
        "published_at": datetime(2026, 9, 8, 9, 0, tzinfo=UTC),
        "body": """
<p>To call somebody you usually need a lot: an account, their account, an app on both sides, and a way to find each
other in it. Gruveo asks for one thing. You agree on a code, both of you type it, and you are in the same call.</p>
<h2>How a code becomes a call</h2>
<p>A code can be nearly anything: a word, a few words, a number, an emoji, in any script. Capitals do not matter,
and a space counts as a hyphen, so “Blue Heron” and “blue-heron” lead to the same place; “blueheron” is another one.
That is on purpose. A code is often said over the telephone, and nobody should miss the other because of a capital
letter.</p>
<p>Every code is also an address. If yours is <em>blue-heron</em>, then the link to your call ends in
<code>/blue-heron</code>. Send the link, or say the word: both work.</p>
<h2>What the server knows</h2>
<p>Our servers have to bring two browsers together, and need a name for the place where they meet. They use a keyed
hash of the code: a string of characters from which the code cannot be read. The code itself is not stored and not
written to a log.</p>
<h2>Choosing a good one</h2>
<p>There is one thing a code does not do: it does not ask who you are. Whoever types it is let in. So a short,
common word is fine for a quick chat, and a bad choice for anything private.</p>
<ul>
<li>Take several words that have nothing to do with each other. The home page suggests such a code.</li>
<li>Do not use names, dates or words that others connect with you.</li>
<li>Use a new code when the call matters, and pass it on in a way that only the other person can read.</li>
</ul>
<p>You see everybody who is in the call. If somebody is there who should not be, hang up and meet again at a new
code.</p>
""",
    },
    {
        "slug": "where-your-picture-goes",
        "title": "Where your picture goes",
        "tags": ["how-calls-work", "privacy"],
        "summary": "What happens to picture and sound between two browsers, when a relay steps in, and what each part of the way can see.",
        "published_at": datetime(2026, 10, 13, 9, 0, tzinfo=UTC),
        "body": """
<p>A call looks simple: you see the other person and they see you. Between the two there are a few steps, and it is
fair to ask who can see what at each of them.</p>
<h2>First, the introduction</h2>
<p>Two browsers that want to talk do not know each other’s network address. Each opens a connection to our signaling
server and says which call it wants. The server passes a few small messages between the two: what each browser can
send and receive, and at which addresses it can perhaps be reached. No picture and no sound goes this way.</p>
<h2>Then, straight across</h2>
<p>With these addresses the browsers look for a way to each other. When they have found one, picture and sound go
directly from one to the other. With three to six people in a call, each browser sends to each of the others. There
is no machine of ours in the middle that mixes or copies the pictures.</p>
<p>All of it is encrypted. WebRTC, the part of the browser that makes calls, does not allow anything else: the two
sides agree on keys with DTLS and protect every packet with SRTP.</p>
<h2>Sometimes, a relay</h2>
<p>Some networks, often in offices and hotels, let no direct connection through. Then a TURN relay helps, where the
site has one: both browsers send to the relay, and it passes the packets on. It has no keys. What it sees is where
packets come from, where they go, and how many there are.</p>
<h2>What is left to trust</h2>
<p>Encryption protects what is said from everybody on the way. It does not tell you who is at the other end: that is
what the code is for, and your own eyes. And the signaling server does introduce the browsers to each other, so you
trust it to introduce the right ones. We would rather say this than hide it.</p>
""",
    },
    {
        "slug": "growing-without-a-bigger-machine",
        "title": "Growing without a bigger machine",
        "tags": ["how-calls-work", "scaling"],
        "summary": (
            "Call minutes rose by 644% in a year. What we change so that the next month only needs one more copy."
        ),
        "published_at": datetime(2026, 11, 17, 9, 0, tzinfo=UTC),
        "body": """
<p>In one year, call minutes on Gruveo rose by 644%. Since the iOS app came out, every month has had seven to eight
times the minutes of the same month a year before. In one December it was thirteen times. At that pace, a machine
that is large enough today is too small in spring.</p>
<pre><code class="language-chart">type: bars
title: Call minutes against the same time a year before
description: A whole year 7.4 times, months since the iOS app between 7 and 8 times, one December 13 times.
unit: times
A whole year: 7.44
A slow month: 7
A quick month: 8
One December: 13
</code></pre>
<p>So the question was not how to get a bigger machine. It was what keeps us from simply starting a second one. We
found three answers.</p>
<h2>The web: any copy will do</h2>
<p>The pages you are reading come from a Django application. It keeps nothing of its own: the database and the files
live elsewhere. That makes every copy the same as every other, so that AWS Elastic Beanstalk can start more of
them when there is more to do and stop them again.</p>
<h2>TURN: credentials that need no database</h2>
<p>The relays that help in difficult networks must not be open to everybody. They used to look up user names and
passwords in a database, and that database would have had to grow with them. Now the web application and the relays
share one secret. A user name holds the time at which it expires, and the password is computed from the user name
and the secret:</p>
<pre><code class="language-python">username = f"{expires}:{user_id}"
signature = hmac.digest(secret, username.encode(), "sha1")
password = base64.b64encode(signature).decode()</code></pre>
<p>A relay can check this by itself. A new relay needs the secret and nothing else, so all of them start from one
image.</p>
<h2>Signaling: meeting across machines</h2>
<p>This is the hard one. Two people who type the same code must meet, even when one is connected to one server and
the other to another. Who is in which call therefore stands in Redis, and one small program inside Redis decides who
comes in, so that two people who arrive at the same moment are always paired. A message for somebody on another
server is published to that server, together with everything else that waits for it, and that server hands it on. It
does not matter which server a browser reaches, nor whether that server is still there a minute later.</p>
<h2>What we learned</h2>
<p>In all three places the work is the same: find what a server remembers, and move it to where every copy can
reach it, or make it something that can be computed. After that, growth is a number in a settings page.</p>
""",
    },
]


def add() -> int:
    """
    Adds the posts whose slugs are free; the others are left as editors made them.

    Returns:
        How many were added.
    """
    return sum(_add(dict(post)) for post in _POSTS)


@transaction.atomic
def _add(values: dict) -> bool:
    tags = values.pop("tags")
    if Post.objects.kept().filter(slug=values["slug"]).exists():
        return False
    post = Post.objects.create(**values)
    post.authors.add(Author.objects.get_or_create(slug=_AUTHOR["slug"], defaults=_AUTHOR)[0])
    post.tags.add(*(Tag.objects.get_or_create(slug=slug, defaults={"name": _TAGS[slug]})[0] for slug in tags))
    post.remember()
    return True
