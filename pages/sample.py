"""Questions and pages for a new site; true of the program as it is, so change them when it changes."""

from django.db import transaction

from pages.models import FaqEntry, FaqTopic, Page

_CALLS, _PRIVACY, _TROUBLE = "Making a call", "Privacy", "When something does not work"

_FAQ = [
    (
        _CALLS,
        "how-to-call",
        "How do I call somebody?",
        """<p>Agree on a code with the other person. Both of you type it on the home page and press <strong>Video
call</strong>. The call begins when the second person arrives. You can also send the link of the call: it is the
address of this site, a slash and the code.</p>""",
    ),
    (
        _CALLS,
        "account",
        "Do I need an account or an app?",
        """<p>No. There are no accounts for callers, and a call runs in the browser, on a computer or on a phone. There is
nothing to install.</p>""",
    ),
    (
        _CALLS,
        "which-codes",
        "What may a code be?",
        """<p>Up to 64 letters, digits and emoji, in any script, and the signs <code>-</code> <code>_</code> <code>.</code> and
<code>'</code>. Capitals do not matter, and a space counts as a hyphen. A code does not begin with a dot and does not
end like the name of a file, such as <em>.php</em>. A few words are reserved by this site, such as <em>blog</em>.</p>""",
    ),
    (
        _CALLS,
        "how-many",
        "How many people can be in a call?",
        """<p>Up to six. Everybody sends to everybody else directly, so a call with six people asks much more of a connection
than a call with two. If it gets slow, a voice call helps.</p>""",
    ),
    (
        _PRIVACY,
        "who-can-join",
        "Who can join my call?",
        """<p>Whoever knows the code. Nobody is asked who they are. For a private call choose a code that others will not
guess, or take the one that the home page suggests, and pass it on only to whom it is for.</p>""",
    ),
    (
        _PRIVACY,
        "encryption",
        "Are calls encrypted?",
        """<p>Yes, always. Browsers encrypt picture and sound with keys that they agree on with each other (DTLS-SRTP). They go
directly between the people in the call. If a network does not allow that and the site has a TURN relay, the relay
passes the encrypted packets on; it has no keys.</p>""",
    ),
    (
        _PRIVACY,
        "ip-address",
        "Can the others see my IP address?",
        """<p>Yes, as long as the call goes directly from browser to browser. If this site has a relay, there is a switch,
<strong>Hide my IP address</strong>, where you begin a call: then the others see only the address of the relay. The <a
href="/privacy/">privacy page</a> says what that means.</p>""",
    ),
    (
        _PRIVACY,
        "recording",
        "Do you record calls?",
        """<p>No. Picture and sound do not pass through our servers in a form that could be recorded, and Gruveo has no
recording. As with any call, another person in it could record what they see and hear.</p>""",
    ),
    (
        _PRIVACY,
        "what-is-stored",
        "What do you store about a call?",
        """<p>Not the code: our servers know a call by a keyed hash of it. Callers get no cookies, but for one that keeps a language
which you choose at the foot of a page. Your browser itself remembers your last codes and your name, if you gave one, so
that you need not type them again; you can remove the codes on the home page. More is on the <a href="/privacy/">privacy page</a>.</p>""",
    ),
    (
        _TROUBLE,
        "camera",
        "My camera or microphone does not work. What can I do?",
        """<p><em>Your browser may not use the camera:</em> allow it in the address bar, then try again. <em>Another
program uses the camera:</em> close that program, then try again. The same goes for the microphone. A page may use
the camera only over HTTPS, or on the computer itself at localhost.</p>""",
    ),
    (
        _TROUBLE,
        "alone",
        "I am in the call but nobody else is there.",
        """<p>The other person may have typed another code. Compare them letter by letter, or copy the link of the call and
send it.</p>""",
    ),
    (
        _TROUBLE,
        "no-connection",
        "We both joined but cannot see each other.",
        """<p>Some networks, often in offices and hotels, block direct connections. Try another network, such as a phone’s
mobile data, on one side. If this site has no relay, such networks cannot be crossed.</p>""",
    ),
]

_PAGES = [
    {
        "slug": "about",
        "title": "About",
        "description": "Gruveo is the shortest way we know from two people to a call.",
        "body": """
<p>Two people agree on a code, type it, and see each other. That is all there is to it: no account, no contact list,
nothing to install.</p>
<h2>Why a code</h2>
<p>People already know how to pass a word to each other: over the telephone, in a message, on a note. A code works
between any two people, whatever they use otherwise, and it leaves nothing behind when the call is over.</p>
<h2>How it is made</h2>
<p>Calls run on WebRTC, which is part of every current browser. Picture and sound go directly between the people in
the call, encrypted. Our part is to introduce the browsers to each other, and then to stand aside. The <a
href="/blog/">blog</a> tells more about how that is done.</p>
<h2>What it does not do</h2>
<p>Gruveo does not record calls, does not keep a list of whom you called, and loads nothing from other companies
into its pages.</p>
""",
    },
    {
        "slug": "privacy",
        "title": "Privacy",
        "description": "What happens to your data when you make a call, in plain words.",
        "body": """
<p>This page describes what the program does. Whoever runs this site adds who they are, how to reach them, and how
long their servers keep logs.</p>
<h2>Picture and sound</h2>
<p>They go directly between the browsers in the call, encrypted by WebRTC (DTLS-SRTP). If a network does not allow a
direct way and this site has a TURN relay, the encrypted packets pass through it. The relay cannot read them.
Nothing is recorded.</p>
<h2>The code</h2>
<p>Your browser sends the code to the server so that it can find the others with the same one. The server turns it
into a keyed hash at once and uses only that as the name of the call. It does not store the code and does not write
it to its logs. Whoever knows the code can join the call, so choose one that is hard to guess.</p>
<h2>Network addresses</h2>
<p>To connect directly, browsers tell each other their network addresses (IP addresses). The people you call can
therefore see yours, and you theirs. From an address one can tell roughly where somebody is, and who provides their
connection. Our servers see the address from which you connect, as every website does, and use it to limit abuse.</p>
<p>If this site has a relay, you can switch on <strong>Hide my IP address</strong> before a call. Your browser then
sends everything through the relay and tells the others only the relay’s address. The relay and our servers still
see yours, and the others’ addresses stay visible to you unless they hide them too. The call may be a little slower,
since it takes a longer way. It is encrypted from browser to browser as always. Your browser remembers the
switch.</p>
<h2>In your browser</h2>
<p>Callers get no cookies, but for one that keeps a language which you choose at the foot of a page: it holds the
language and nothing else, for a year. Your browser keeps your last codes in its own storage, and your name if you gave
one, so that you need not type them again. You can remove the codes on the home page, empty the field of the name, or clear
the data of this site in your browser’s settings.</p>
<p>Until the tab is closed, the browser also keeps a pass for the call that you were in. With it a page that is
reloaded gets its place back.</p>
<h2>Other companies</h2>
<p>These pages load nothing from other companies: no fonts, no counters, no advertisements.</p>
""",
    },
    {
        "slug": "terms",
        "title": "Terms",
        "description": "What you can expect from us, and what we ask of you.",
        "body": """
<p>These are plain rules for using Gruveo. Whoever runs this site may add what the law of their country asks
for.</p>
<h2>What you may do</h2>
<p>Call whomever you like, for any lawful purpose, free of charge and without an account.</p>
<h2>What we ask</h2>
<ul>
<li>Do not use calls to harm, harass or deceive others.</li>
<li>Do not record other people without their consent.</li>
<li>Do not try to guess the codes of other people’s calls, and do not overload the servers.</li>
</ul>
<h2>What we cannot promise</h2>
<p>A call depends on networks and devices that are not ours. It can fail or break off. Do not rely on Gruveo in an
emergency: it cannot call emergency services.</p>
<h2>Your part in privacy</h2>
<p>Whoever knows a code can join its call. Choosing a code that is hard to guess, and looking at who is in the call,
is up to you.</p>
""",
    },
    {
        "slug": "press",
        "title": "Press",
        "description": "What Gruveo is in a few sentences, figures to quote, and how to reach us.",
        "body": """
<h2>In one sentence</h2>
<p>Gruveo is a private video call in the browser: two people type the same code, and they see each other.</p>
<h2>In a paragraph</h2>
<p>There is no account, no contact list and nothing to install. Picture and sound travel encrypted from browser to
browser, or through a relay that cannot read them. The servers know a call by a keyed hash of its code, not by the
code, and record nothing of what is said or shown.</p>
<h2>Figures</h2>
<ul>
<li>In one year, call minutes rose by 644%.</li>
<li>Since the iOS app came out, every month has had seven to eight times the minutes of the same month a year
before; one December had thirteen times as many.</li>
<li>Up to six people can be in one call.</li>
</ul>
<p>How the servers keep up is told in <a href="/blog/growing-without-a-bigger-machine/">a post of our blog</a>.</p>
<h2>Name and logo</h2>
<p>The name is written Gruveo, with one capital letter. The sign, two shapes that meet, is here as
<a href="/icon-512.png">a picture of 512 by 512 pixels</a>. Please leave its proportions and colours as they are.</p>
<h2>Questions</h2>
<p>Write to us on the <a href="/contact/">contact page</a> and choose “Press”. Please say by when you need an
answer.</p>
""",
    },
]


def add() -> int:
    """
    Adds the entries and pages whose slugs are free; the others are left as editors made them.

    Returns:
        How many were added.
    """
    topics = list(dict.fromkeys(topic for topic, *_ in _FAQ))
    entries = [
        _add(
            FaqEntry,
            slug=slug,
            topic=FaqTopic.objects.get_or_create(name=topic, defaults={"order": 10 * topics.index(topic) + 10})[0],
            question=question,
            answer=answer,
            order=10 * place,
        )
        for place, (topic, slug, question, answer) in enumerate(_FAQ, start=1)
    ]
    pages = [_add(Page, place="footer", order=10 * place, **page) for place, page in enumerate(_PAGES, start=1)]
    return sum(entries + pages)


@transaction.atomic
def _add(model, *, slug: str, **values) -> bool:
    if model.objects.kept().filter(slug=slug).exists():
        return False
    model.objects.create(slug=slug, **values).remember()
    return True
