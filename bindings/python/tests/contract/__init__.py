"""The contract suite: the same cases on two servers, ``testserver`` and real Django REST Framework, both synchronous and
asynchronous, and the same cases as in Rust (``crates/orm/tests/contract/cases``).

How to write one:

* a coroutine that takes a ``site``, with ``@writes`` if it changes rows, which are put back after it;
* every answer goes through ``settle``: on the synchronous side it is there already, on the other one it is awaited;
* what is expected comes from ``fixture``; what it costs from ``site.cost()``.

A case has the name that it has in Rust, in the file of the same name; ``test_same_cases`` sees to that. Cases of Python's own
stand at the end of a file, below a line that says so.
"""
