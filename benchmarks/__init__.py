"""What the proxy costs, measured against what it could cost at best.

`python -m benchmarks` starts a scripted upstream, then nginx, the floor and this proxy in front of it, and
prints one table.  Each server under test has one core to itself; the load generator and the upstream share
another.  Start reading at comparison.measure(); wire.py, upstream.py and load.py are the measuring tools.
"""
