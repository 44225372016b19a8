"""What was measured, as the Markdown of RESULTS.md."""

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench import deaf as deafness
from bench.comeback import Comeback
from bench.deaf import Deafness
from bench.growth import JOIN_RATE, RATE, Growth
from bench.measures import JOIN_WINDOWS, Contest, Size, Taken
from bench.npm import RIVALS, node
from bench.ratios import Interval, interval, paired, percentile
from bench.reading import Spike
from bench.relay import KBIT, PAYLOAD, Relayed
from bench.systems import ROOT, SYSTEMS
from bench.targets import CREDENTIALS, DEAF, GROWTH, MEMORY, RATIOS, READING

_PACKAGES = ("django", "channels", "channels-redis", "daphne", "uvicorn", "uvloop", "picows", "msgspec", "redis")
_NPM = ("ws", "redis", "socket.io", "@socket.io/redis-adapter", "peer")


def machine() -> str:
    """The section that says where, when and what."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    npm = ", ".join(f"{name} {_npm_version(name)}" for name in _NPM)
    return f"""## Machine and versions

- {_processor()}, {os.cpu_count()} processors, Linux {platform.release()}
- the servers and Redis share one processor, the clients have the others
- {platform.python_implementation()} {platform.python_version()} ({Path(sys.executable).resolve()}); {packages}
- Node.js {_output(node(), "--version").lstrip("v")}; npm: {npm}
- {_output("redis-server", "--version").split(" sha=")[0]}
"""


def stamp(size: Size) -> str:
    """Under each heading: when, of which commit, and whether it was a reduced run."""
    now = datetime.datetime.now(datetime.UTC).strftime("%d %B %Y, %H:%M UTC")
    changed = " with changes" if _output("git", "status", "--porcelain", "--", ".", ":!bench/RESULTS.md") else ""
    reduced = "**A reduced run: the figures are rough.** " if size.is_reduced else ""
    return f"{reduced}{now}, commit {_output('git', 'rev-parse', '--short=10', 'HEAD')}{changed}, load {os.getloadavg()[0]:.1f}."


def contest(contest: Contest, taken: Taken, size: Size) -> str:
    rows = []
    for name, windows in taken.windows.items():
        rows.append(
            [
                SYSTEMS[name].title,
                _spread([window.cpu for window in windows]),
                _spread(taken.joins[name]),
                _spread([window.p50 for window in windows], 2),
                _spread([window.p99 for window in windows], 1),
                f"{median(window.busy for window in windows):.0%}",
                f"{median(window.waited for window in windows):.0%}",
                f"{taken.resident[name] / 1024:.0f}",
            ]
        )
    head = ["system", "µs CPU a message", "µs CPU a join", "p50 ms", "p99 ms", "busy", "waited", "MiB"]
    return f"""## {contest.title}

{stamp(size)}
{size.rooms} rooms of two, {contest.rate:g} messages a second in windows of {size.turn_seconds:g} s, {contest.join_rate:g} joins a second
({size.joins} in each of {size.turns * JOIN_WINDOWS} windows); {size.turns} rounds in turns. Median [least – greatest].
*Busy*: share of the servers' processor that the system took, with Redis. *Waited*: share of the time in which its processes wanted it and
others had it; where that is much, messages wait for each other, are read many at once, and so cost less. *MiB*: what its processes hold at
the end, with Redis and all that joining has left behind.

{_table(head, rows)}
{_ratios(contest.name, taken)}"""


def _ratios(name: str, taken: Taken) -> str:
    rows = []
    for target in RATIOS:
        if target.contest == name and {target.ours, target.rival} <= taken.windows.keys():
            ratio = paired(_figures(taken, target.ours, target.figure), _figures(taken, target.rival, target.figure))
            title = f"{target.what}: {SYSTEMS[target.ours].title} / {SYSTEMS[target.rival].title}"
            rows.append([title, *_judged(ratio, target.reach, target.beyond)])
    return f"\n{_table(_JUDGED, rows)}" if rows else ""


def _figures(taken: Taken, name: str, figure: str) -> list[float]:
    return taken.joins[name] if figure == "join" else [window.cpu for window in taken.windows[name]]


def memory(found: dict[str, list[float]], size: Size) -> str:
    rows = [[SYSTEMS[name].title, str(SYSTEMS[name].nodes), _spread(values, 1)] for name, values in found.items()]
    judged = [
        [f"KiB for an idle joined socket: {SYSTEMS[name].title}", *_judged(interval(values), *MEMORY)]
        for name, values in found.items()
        if name in {"gruveo", "gruveo-sansio"}
    ]
    return f"""## Memory of an idle socket

{stamp(size)}
Joined, has said 10 messages and heard 10, and offered permessage-deflate; seven times {size.idle} more sockets on the same
nodes ({size.idle_channels} with plain Channels). Resident KiB for each socket, of all nodes and Redis.

{_table(["system", "nodes", "KiB a socket"], rows)}
{_table(_JUDGED, judged) if judged else ""}"""


def comeback(found: dict[str, list[Comeback]], size: Size) -> str:
    rows = []
    for name, times in found.items():
        late = [
            f"{time.back:,} of {time.clients:,} after {time.seconds:g} s" for time in times if time.back < time.clients
        ]
        rows.append([SYSTEMS[name].title, "; ".join(late) if late else _spread([time.seconds for time in times], 1)])
    return f"""## After `kill -9` of one of two nodes

{stamp(size)}
{size.clients:,} clients at the killed node, their partners at the other one, to which they come back with the backoff of
docs/protocol.md section 9. Ours resume, the others join again. A client is back when what it says has reached its partner.
Times measured: {size.comebacks}; the backoff alone takes up to 0.5 s.

{_table(["system", "seconds until all are back"], rows)}"""


def deaf(found: Deafness, size: Size) -> str:
    kinds = {"reads": found.reading, "has stopped reading": found.deaf}
    rows = [
        [kind, _spread([window.p50 for window in windows], 2), _spread([window.p99 for window in windows], 1)]
        for kind, windows in kinds.items()
    ]
    ratios = []
    for name in ("p50", "p99"):
        ratio = paired(*([getattr(window, name) for window in windows] for windows in (found.deaf, found.reading)))
        verdict = _verdict(ratio, DEAF) if name == "p50" else ""
        ratios.append([f"{name}: has stopped reading / reads", f"{ratio.median:.3g}", _between(ratio), verdict])
    return f"""## Beside somebody who stops reading

{stamp(size)}
{deafness.ROOMS} rooms of three at one node. Two of each say {deafness.RATE} messages a second in all to each other, which are
measured; meanwhile each of them sends messages of {deafness.LARGE:,} bytes to the third, as many as it may. {size.silences} windows of
{deafness.seconds(size):g} s in which the third reads and as many in which it has stopped, in turns. Of those that had stopped
{found.cut_off} of {found.of} were cut off within their window.

{_table(["the third", "p50 ms", "p99 ms"], rows)}
{_table(["ratio", "median", "interval", "reach"], ratios)}"""


def credentials(found: dict[str, list[float]], size: Size) -> str:
    rows = [
        ["Gruveo: signed", _spread(found["signed"])],
        ["a row in the PostgreSQL that coturn reads", _spread(found["written"])],
    ]
    ratio = paired(found["signed"], found["written"])
    judged = [["credentials a second: Gruveo / a row for each", *_judged_above(ratio, CREDENTIALS)]]
    return f"""## TURN credentials

{stamp(size)}
One process makes them one after the other, without a web framework; {len(found["signed"])} rounds in turns. PostgreSQL is on the same
machine, and each row is on its disk before the next one is made, as PostgreSQL does it unless it is told otherwise.

{_table(["scheme", "credentials a second"], rows)}
{_table(["ratio", "median", "interval", "reach"], judged)}"""


def relay(found: list[Relayed], size: Size) -> str:
    costs = [one.cpu_us_a_megabit for one in found]
    rate = median(one.megabits for one in found) / (size.seconds / 2)
    rows = [["coturn", _spread(costs), f"{1e6 / median(costs):,.0f}", f"{max(one.lost for one in found):.2%}"]]
    return f"""## Relayed minutes

{stamp(size)}
Processor time of coturn for what it sends, {rate:.0f} Mbit/s in packets of {PAYLOAD:,} bytes: calls in which one person is behind the relay
and the other is not, {KBIT:,} kbit/s each way, over loopback. The kernel's work for what comes in is not in it there.

{_table(["relay", "µs CPU a megabit", "Mbit/s that fill a processor", "lost at most"], rows)}"""


def pages(found: dict[str, list[float]], size: Size) -> str:
    rows = [[path, _spread(scores, 2)] for path, scores in found.items()]
    return f"""## Pages in Lighthouse

{stamp(size)}
The performance score (1 is the best), {size.verdicts} times each: a phone on a slow line, with nothing in its cache. The other categories
are part of `make test`.

{_table(["page", "performance"], rows)}"""


def reading(found: dict[str, list[float]], spike: Spike, size: Size) -> str:
    titles = {"kept": "Gruveo, a page that is kept", "anew": "Gruveo, made anew", "wagtail": "Wagtail, made anew"}
    rows = [[titles[name], _spread(costs, 2)] for name, costs in found.items()]
    judged = []
    for name, reach in READING.items():
        ratio = paired(found[name], found["wagtail"])
        spread = _between(ratio)
        judged.append([f"{titles[name]} / Wagtail", f"{ratio.median:.3g}", spread, _verdict(ratio, reach)])
    waits = [percentile(spike.waits, share) * 1000 for share in (0.5, 0.99)]
    errors = f"{len(spike.errors)} errors{f' ({spike.errors[0]})' if spike.errors else ''}"
    return f"""## Pages of a blog with {size.posts:,} posts, beside Wagtail

{stamp(size)}
Processor time of the server, and for ours of its Redis, for an anonymous page: four posts of the newest hundred to one page of the
list, {size.pages} pages a round. Both sites on uvicorn and SQLite, each in one process. Wagtail's is as its tutorial builds one
(`bench/rivals/wagtail_site`), with the same posts, tags, authors, neighbours, related posts and months.
A page that is made anew takes from memory what does not change until somebody saves: ours header, footer and the order of the posts.
Wagtail, set up so, keeps nothing.

{_table(["site", "ms CPU a page"], rows)}
{_table(["ratio", "median", "interval", "reach"], judged)}
**A spike**: {spike.readers} readers at once, each asking for the list or its newest post again as soon as it has it, while an editor saved
that post {spike.saves} times in {spike.seconds:.0f} s: {spike.pages:,} pages, {errors}, {spike.stale} pages that were stale a second after
a save; p50 {waits[0]:.0f} ms, p99 {waits[1]:.0f} ms."""


def _judged_above(ratio: Interval, reach: float) -> list[str]:
    """The whole interval must be above."""
    verdict = "reached" if ratio.low >= reach else "**not reached**"
    spread = f"{ratio.low:.0f} – {ratio.high:.0f} ({ratio.confidence:.0%})"
    return [f"{ratio.median:.0f}", spread, f"≥ {reach:g}: {verdict}"]


def growth(found: dict[str, Growth], size: Size) -> str:
    rows, others, judged = [], [], []
    for name, grown in found.items():
        title = f"{SYSTEMS[name].title}, {_nodes(name)}"
        for rooms in size.growth:
            cell = [title, f"{rooms:,}"]
            rows.append([*cell, *(_spread(t[rooms], 1) for t in (grown.net, grown.whole, grown.idle, grown.pinging))])
            others.append(
                [
                    *cell,
                    _spread(grown.joins[rooms]),
                    f"{median(grown.memory[rooms]):.1f}",
                    _spread(grown.p50[rooms], 2),
                    _spread(grown.p99[rooms], 1),
                ]
            )
        for what, table in (("net", grown.net), ("with idle cost", grown.whole)):
            ratio = paired(table[size.growth[-1]], table[size.growth[0]])
            judged.append(
                [f"{title}: {size.growth[-1]:,} rooms / {size.growth[0]:,}, {what}", *_judged(ratio, *GROWTH)]
            )
    head = [
        "system",
        "rooms",
        "µs CPU a message, net",
        "the same with idle cost",
        "µs a second, idle socket",
        "the same, pinging",
    ]
    return f"""## Growth with the number of rooms

{stamp(size)}
{RATE:,} messages a second in all, whatever the number of rooms. *Net*: without what the sockets cost when nothing is said (keeping
places); with idle cost: and what all of them cost from one message to the next. Few rooms and many take turns within seconds. Nobody
pings meanwhile; what pings cost is in the last column. Within 5 % counts as flat.

{_table(head, rows)}
While so many rooms are there: what one more join costs ({JOIN_RATE} a second), what each of their sockets holds (resident, of all nodes and
Redis; of few sockets a rough figure, for memory comes in pieces of 2 MiB), and how long messages are on the way. What the
others' places cost meanwhile is in a join here: two seconds of all their sockets for every {size.joins} joins.

{_table(["system", "rooms", "µs CPU a join", "KiB a socket", "p50 ms", "p99 ms"], others)}
{_table(_JUDGED, judged)}"""


_JUDGED = ["ratio", "median", "interval", "reach", "beyond"]


def _judged(found: Interval, reach: float, beyond: float) -> list[str]:
    return [f"{found.median:.3g}", _between(found), _verdict(found, reach), _verdict(found, beyond)]


def _verdict(found: Interval, target: float) -> str:
    """A target counts as reached when the whole interval is there."""
    return f"≤ {target:g}: {'reached' if found.reached(target) else '**not reached**'}"


def _between(found: Interval) -> str:
    return f"{found.low:.3g} – {found.high:.3g} ({found.confidence:.0%})"


def _spread(values: Sequence[float], digits: int = 0) -> str:
    return f"{median(values):,.{digits}f} [{min(values):,.{digits}f} – {max(values):,.{digits}f}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def _nodes(name: str) -> str:
    return "one node" if SYSTEMS[name].nodes == 1 else "two nodes"


def _processor() -> str:
    with open("/proc/cpuinfo") as file:  # noqa: PTH123 - no ordinary file
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "processor")


def _npm_version(name: str) -> str:
    text = (RIVALS / "package.json").read_text()
    return text.partition(f'"{name}": "')[2].partition('"')[0]


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
