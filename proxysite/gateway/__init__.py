"""The request pipeline.

`handler` takes a request off the wire, `views` name its endpoint, `pipeline.serve()` is the main flow: start reading
there.  A `Plan` is what was decided before sending, an `Exchange` is what is known of one request from its first byte
to its record, the `Engine` is everything the process holds.
"""
