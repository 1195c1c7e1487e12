"""Websockets of the dashboards.  None is open yet: a connection is refused, politely."""

from channels.routing import URLRouter

websockets = URLRouter([])
