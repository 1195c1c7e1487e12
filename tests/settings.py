"""The settings of the tests: a data directory of their own, and nothing of the person's environment."""

import atexit
import os
import shutil
import tempfile

from proxysite.environment import VARIABLES

for variable in VARIABLES:
    os.environ[variable.name] = ""  # set, so that a .env file does not fill it in
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="sampling-proxy-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from proxysite.settings import *  # noqa: E402, F403
from proxysite.settings import DATABASES  # noqa: E402

TIME_ZONE = "UTC"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["TEST"] = {"NAME": f"{os.environ['DATA_DIR']}/test.sqlite3"}
