"""Who may send, when, and where to.

`limits` is the configuration; `slots`, `throttle` and `targets` are state machines without a clock or an event loop;
`gatekeeper` is the shell that makes requests wait for them.  Start reading at `slots`.
"""
