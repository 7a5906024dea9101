"""Who descends from what: the parents of a picture in words, and the tree it stands in."""

from __future__ import annotations

from dataclasses import dataclass

from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.store import History, StoredPicture, Upload
from bot.texts.html import escape
from bot.texts.i18n import _
from inference.requests import Rewrite

MOST_NODES = 24

Node = tuple[str, int]  # ("picture" or "upload", id)


@dataclass(frozen=True)
class Family:
    """Nodes by generation, oldest first, and edges (parent, child). `cut` says that there are more, `hidden` that some
    may not be seen where the family is shown."""

    generations: tuple[tuple[Node, ...], ...]
    edges: tuple[tuple[Node, Node], ...]
    pictures: dict[int, StoredPicture]
    blobs: dict[Node, str]
    cut: bool
    hidden: bool


async def parent_lines(studio: Studio, picture_id: int, origin: Origin) -> list[str]:
    """What a picture was made from, a line of HTML each; of what may not be seen here only that there is something."""
    lines = []
    for parent_id, upload_id in await studio.history.sources.parents(picture_id):
        if upload_id is not None:
            upload = await studio.history.sources.upload(upload_id)
            if upload is not None and not origin.may_show(upload):
                lines.append("• " + _("a picture that is not shown here"))
                continue
            size = f", {upload.width}×{upload.height}" if upload else ""
            lines.append("• 📷 " + _("a picture that was sent here") + size)
            continue
        parent = await studio.history.picture(parent_id) if parent_id is not None else None
        if parent is None:
            lines.append("• " + _("a picture that has been deleted"))
        elif not await _may_tell(studio.history, origin, parent):
            lines.append("• " + _("a picture that is not shown here"))
        else:
            seed = _("seed {seed}").format(seed=parent.recipe.seed)
            lines.append(f"• {escape(studio.modes.plain_wish(parent.recipe.alone, words_of(parent)))} · {seed}")
    return lines


def words_of(picture: StoredPicture) -> str:
    request = picture.recipe.request
    return "" if isinstance(request, Rewrite) else request.words


async def family_of(history: History, picture: StoredPicture, origin: Origin) -> Family:
    """Everything a picture descends from and everything made from those, as far as it fits and may be seen here."""
    start: Node = ("picture", picture.id)
    nodes: dict[Node, StoredPicture | Upload | None] = {start: picture}
    edges: dict[tuple[Node, Node], None] = {}
    hidden: set[Node] = set()
    frontier, cut = [start], False
    while frontier:
        found = await history.sources.kin(
            [number for kind, number in frontier if kind == "picture"],
            [number for kind, number in frontier if kind == "upload"],
        )
        frontier = []
        for child, parent_id, upload_id in sorted(found, key=lambda edge: edge[0]):
            parent: Node = ("upload", upload_id) if upload_id is not None else ("picture", parent_id or 0)
            for node in (parent, ("picture", child)):
                if node in nodes or node in hidden:
                    continue
                if len(nodes) + len(hidden) >= MOST_NODES:
                    cut = True
                    continue
                stored = await _looked_up(history, node)
                if stored is not None and not await _may_tell(history, origin, stored):
                    hidden.add(node)
                    continue
                nodes[node] = stored
                frontier.append(node)
            if parent in nodes and ("picture", child) in nodes:
                edges[parent, ("picture", child)] = None
    return Family(
        generations=_generations(list(nodes), list(edges)),
        edges=tuple(edges),
        pictures={one.id: one for one in nodes.values() if isinstance(one, StoredPicture)},
        blobs={node: one.blob for node, one in nodes.items() if one is not None},
        cut=cut,
        hidden=bool(hidden),
    )


async def _may_tell(history: History, origin: Origin, one: StoredPicture | Upload) -> bool:
    """Whether a relative may be seen here, by where it was made and by what its owner has said."""
    own = one.owner_id == origin.owner_id or isinstance(one, Upload)
    return origin.may_show(one) and (own or await history.shares(one.owner_id))


async def _looked_up(history: History, node: Node) -> StoredPicture | Upload | None:
    kind, number = node
    return await (history.picture(number) if kind == "picture" else history.sources.upload(number))


def _generations(nodes: list[Node], edges: list[tuple[Node, Node]]) -> tuple[tuple[Node, ...], ...]:
    """Every node one row below its lowest parent; parents are always older, so ids give the order."""
    depth: dict[Node, int] = {}
    for node in sorted(nodes, key=lambda node: (node[0] == "picture", node[1])):
        depth[node] = max((depth.get(parent, 0) + 1 for parent, child in edges if child == node), default=0)
    rows: list[list[Node]] = [[] for _row in range(max(depth.values()) + 1)]
    for node in sorted(depth, key=lambda node: node[1]):
        rows[depth[node]].append(node)
    return tuple(tuple(row) for row in rows)
