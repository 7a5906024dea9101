"""Who descends from what: the parents of a picture in words, and the tree it stands in."""

from __future__ import annotations

from dataclasses import dataclass

from bot.jobs.studio import Studio
from bot.store import History, StoredPicture
from bot.texts.html import escape
from bot.texts.i18n import _
from inference.requests import Rewrite

MOST_NODES = 24

Node = tuple[str, int]  # ("picture" or "upload", id)


@dataclass(frozen=True)
class Family:
    """Nodes by generation, oldest first, and edges (parent, child). `cut` says that there are more."""

    generations: tuple[tuple[Node, ...], ...]
    edges: tuple[tuple[Node, Node], ...]
    pictures: dict[int, StoredPicture]
    blobs: dict[Node, str]
    cut: bool


async def parent_lines(studio: Studio, picture_id: int) -> list[str]:
    """What a picture was made from, a line of HTML each."""
    lines = []
    for parent_id, upload_id in await studio.history.sources.parents(picture_id):
        if upload_id is not None:
            upload = await studio.history.sources.upload(upload_id)
            size = f", {upload.width}×{upload.height}" if upload else ""
            lines.append("• 📷 " + _("a picture that was sent here") + size)
            continue
        parent = await studio.history.picture(parent_id) if parent_id is not None else None
        if parent is None:
            lines.append("• " + _("a picture that has been deleted"))
        else:
            seed = _("seed {seed}").format(seed=parent.recipe.seed)
            lines.append(f"• {escape(studio.modes.plain_wish(parent.recipe.request, words_of(parent)))} · {seed}")
    return lines


def words_of(picture: StoredPicture) -> str:
    request = picture.recipe.request
    return "" if isinstance(request, Rewrite) else request.words


async def family_of(history: History, picture: StoredPicture) -> Family:
    """Everything a picture descends from and everything made from those, as far as it fits."""
    start: Node = ("picture", picture.id)
    nodes: dict[Node, None] = {start: None}
    edges: dict[tuple[Node, Node], None] = {}
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
                if node not in nodes:
                    if len(nodes) >= MOST_NODES:
                        cut = True
                        continue
                    nodes[node] = None
                    frontier.append(node)
            if parent in nodes and ("picture", child) in nodes:
                edges[parent, ("picture", child)] = None
    return await _looked_up(history, list(nodes), list(edges), cut)


async def _looked_up(history: History, nodes: list[Node], edges: list[tuple[Node, Node]], cut: bool) -> Family:
    pictures, blobs = {}, {}
    for kind, number in nodes:
        if kind == "picture" and (picture := await history.picture(number)) is not None:
            pictures[number], blobs[kind, number] = picture, picture.blob
        elif kind == "upload" and (upload := await history.sources.upload(number)) is not None:
            blobs[kind, number] = upload.blob
    return Family(_generations(nodes, edges), tuple(edges), pictures, blobs, cut)


def _generations(nodes: list[Node], edges: list[tuple[Node, Node]]) -> tuple[tuple[Node, ...], ...]:
    """Every node one row below its lowest parent; parents are always older, so ids give the order."""
    depth: dict[Node, int] = {}
    for node in sorted(nodes, key=lambda node: (node[0] == "picture", node[1])):
        depth[node] = max((depth.get(parent, 0) + 1 for parent, child in edges if child == node), default=0)
    rows: list[list[Node]] = [[] for _row in range(max(depth.values()) + 1)]
    for node in sorted(depth, key=lambda node: node[1]):
        rows[depth[node]].append(node)
    return tuple(tuple(row) for row in rows)
