"""How the admin writes dates: as its own pages do, not with “4:36 a.m.”."""
