"""The rows of one load on their way into Neo4j: nodes first, then edges, in transactions of bounded size.

Two things are written at once where they cannot wait for each other, and the next batch is made meanwhile: the server
works on one transaction with one processor.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from graph.kinds import EdgeTable
from graph.neo4j_server import OutOfServerMemoryError, Server, Values
from graph.schema import EDGE_KINDS, NODE_KINDS
from graph.store import Rows, StoreError

#: What a node is found by: the load and the key. Neo4j keeps uniqueness for one property of one label.
UID = "uid"
#: Rows a transaction; fewer when they are long, half as many when the server runs out of memory.
_BATCH = 20_000
_BATCH_BYTES = 16 << 20
#: Transactions at once.
_WRITERS = 2
#: Neo4j indexes texts of 8 kB at most; a longer key is found by its hash.
_LONGEST_KEY = 2_000


def short_key(key: str) -> str:
    """What stands for ``key`` in a node's ``uid``: the key itself, or its hash where no index holds it."""
    if len(key) <= _LONGEST_KEY:
        return key
    return f"#sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def _node_text(kind: str) -> str:
    names = [p.name for p in NODE_KINDS[kind].all_properties if p.name != "snapshot"]
    columns = ", ".join(f"{name}: r[{place + 2}]" for place, name in enumerate(names))
    return (
        f"UNWIND $rows AS r CREATE (n:{kind} {{{UID}: $key + '|' + r[1], snapshot: $key, {columns}}}) "
        "RETURN r[0] AS place, elementId(n) AS id"
    )


def _edge_text(table: EdgeTable, grouping: str) -> str:
    """The ends are found by the server's own ids, in half the time that their keys take; that they are this load's is
    looked at all the same."""
    names = [p.name for p in EDGE_KINDS[table.kind].properties]
    columns = ", ".join(f"{name}: t[{place + 1}]" for place, name in enumerate(names))
    properties = f" {{{columns}}}" if columns else ""
    made = (
        f"(a)-[e:{table.kind}{properties}]->(b)" if grouping == "source" else f"(b)-[e:{table.kind}{properties}]->(a)"
    )
    return (
        "UNWIND $rows AS r MATCH (a) WHERE elementId(a) = r[0] AND a.snapshot = $key UNWIND r[1] AS t "
        f"MATCH (b) WHERE elementId(b) = {'t[0]' if columns else 't'} AND b.snapshot = $key "
        f"CREATE {made} RETURN count(e) AS made"
    )


class _Made(NamedTuple):
    """The nodes of a kind as the server has them: their keys and its ids for them (Arrow)."""

    keys: Any
    ids: Any

    def places(self, ends: Any) -> Any:
        """Of each end of an edge (its key) the node's place among the kind's."""
        import pyarrow.compute as pc

        return pc.index_in(ends, value_set=self.keys)


#: Rows of one transaction, and how many nodes or edges they make.
Batch = tuple[list[list[Any]], int]


def _slices(rows: Rows) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of an Arrow table as tuples, so many at once as a transaction takes."""
    if not rows.num_rows:
        return
    size = max(1, min(_BATCH, _BATCH_BYTES * rows.num_rows // max(rows.nbytes, 1)))
    for first in range(0, rows.num_rows, size):
        part = rows.slice(first, size)
        yield list(zip(*(column.to_pylist() for column in part.columns), strict=True))


def node_batches(rows: Rows) -> Iterator[Batch]:
    """Nodes, each with its place among those of its kind and with what it is found by."""
    key = rows.column_names.index("key")
    place = count()
    for part in _slices(rows):
        yield [[next(place), short_key(row[key]), *row] for row in part], len(part)


def _edge_batches(rows: Rows, at: Mapping[str, Any], made: Mapping[str, _Made], grouping: str) -> Iterator[Batch]:
    """Edges grouped by one end, which is looked up once for all of them; ``at`` has the places of the ends, ``made``
    the nodes. In the order in which the nodes were made, so that what is looked up together lies together."""
    import pyarrow.compute as pc

    other = "target" if grouping == "source" else "source"
    columns = {grouping: pc.take(made[grouping].ids, at[grouping]), other: pc.take(made[other].ids, at[other])}
    properties = rows.drop_columns(["source", "target"])
    for name in (other, grouping):
        properties = properties.add_column(0, name, columns[name])
    order = rows.from_arrays([at[grouping], at[other]], names=[grouping, other])
    ordered = properties.take(pc.sort_indices(order, [(grouping, "ascending"), (other, "ascending")]))
    for part in _slices(ordered):
        grouped: dict[str, list[Any]] = {}
        for one, many, *values in part:
            grouped.setdefault(one, []).append([many, *values] if values else many)
        yield [[one, many] for one, many in grouped.items()], len(part)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Batches, the next of which is made while the server is busy with one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def send(
    server: Server,
    load_id: str,
    nodes: Mapping[str, Rows],
    edges: Mapping[EdgeTable, Rows],
    still_held: Callable[[], object],
) -> None:
    """Writes all nodes, then all edges; ``still_held`` raises ``StoreError`` when this load may write no more."""
    sender = _Sender(server, load_id, still_held)
    _side_by_side(
        [_Job(frozenset((kind,)), nodes[kind].num_rows, partial(sender.nodes, kind, nodes)) for kind in nodes], sender
    )
    _side_by_side(
        [
            _Job(frozenset((table.source, table.target)), size, partial(sender.edges, table, edges))
            for table in edges
            if (size := edges[table].num_rows)
        ],
        sender,
    )


class _Job(NamedTuple):
    """Something to write. ``kinds``: of the nodes that it makes or joins."""

    kinds: frozenset[str]
    size: int
    work: Callable[[], None]


def _side_by_side(jobs: list[_Job], sender: _Sender) -> None:
    """Does jobs, the large ones first, some at once: never two that concern one kind of nodes, which would wait for
    each other's locks."""
    waiting = sorted(jobs, key=lambda job: -job.size)
    running: dict[Future[None], _Job] = {}
    with ThreadPoolExecutor(_WRITERS) as pool:
        try:
            while waiting or running:
                for job in list(waiting):
                    if len(running) < _WRITERS and not any(job.kinds & other.kinds for other in running.values()):
                        waiting.remove(job)
                        running[pool.submit(job.work)] = job
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[done]
                    done.result()
        except BaseException:
            sender.stopped = True  # the others would go on to their ends
            raise


class _Sender:
    """Writes batches one after the other, in parts where the server lacks the memory for a whole one."""

    def __init__(self, server: Server, load_id: str, still_held: Callable[[], object]) -> None:
        self._server = server
        self._load = load_id
        self._still_held = still_held
        self._asking = threading.Lock()
        self._made: dict[str, _Made] = {}
        #: Whether to write no more.
        self.stopped = False

    def nodes(self, kind: str, nodes: Mapping[str, Rows]) -> None:
        """Makes the nodes of a kind."""
        import pyarrow as pa

        rows = nodes[kind]
        ids: list[str] = [""] * rows.num_rows

        def made(answer: Values) -> int:
            for place, id_ in answer:
                ids[place] = id_
            return len(answer)

        self._send(_node_text(kind), node_batches(rows), made)
        self._made[kind] = _Made(rows["key"], pa.array(ids, pa.string()))

    def edges(self, table: EdgeTable, edges: Mapping[EdgeTable, Rows]) -> None:
        """Makes the edges of a table, grouped by the end that fewer nodes are."""
        import pyarrow.compute as pc

        rows = edges[table]
        made = {"source": self._made[table.source], "target": self._made[table.target]}
        at = {end: made[end].places(rows[end]) for end in made}
        grouping = min(at, key=lambda end: pc.count_distinct(at[end]).as_py())
        batches = _edge_batches(rows, at, made, grouping)
        self._send(_edge_text(table, grouping), batches, lambda answer: int(answer[0][0]))

    def _send(self, text: str, batches: Iterator[Batch], made: Callable[[Values], int]) -> None:
        most = _BATCH
        for rows, size in _ahead(batches):
            done = 0
            waiting = [rows[first : first + most] for first in range(0, len(rows), most)]
            while waiting and not self.stopped:
                with self._asking:  # it asks in one transaction
                    self._still_held()
                part = waiting.pop()
                try:
                    done += made(self._server.write(text, {"rows": part, "key": self._load}, self._load))
                except OutOfServerMemoryError:
                    halves = _halves(part)
                    if halves is None:
                        raise
                    waiting += halves
                    most = max(1, len(part) // 2)
            if self.stopped:
                return
            if done != size:
                raise StoreError(
                    f"`{self._server.address.shown}` took {done} of {size} rows: another process changes its graph"
                )


def _halves(rows: list[list[Any]]) -> tuple[list[list[Any]], list[list[Any]]] | None:
    """Two halves of a batch; that of one end is divided by its others. None for what cannot be divided."""
    if len(rows) > 1:
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]
    one, *rest = rows[0]
    if len(rest) == 1 and isinstance(rest[0], list) and len(rest[0]) > 1:
        many = rest[0]
        return [[one, many[: len(many) // 2]]], [[one, many[len(many) // 2 :]]]
    return None
