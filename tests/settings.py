"""The settings of the tests: those of the site, on a data folder that is thrown away, whatever the operator's environment says."""

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="kettle-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)

for _name in (
    *("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PUBLIC_URL", "BUILDER_URL", "KETTLE_ENDPOINTS", "PORT", "SECRET_KEY"),
    *("FIELD_ENCRYPTION_KEY", "ALLOWED_HOSTS", "ALLOWED_SOURCE_HOSTS", "BUILDS_VISIBLE_TO", "DEBUG", "MAX_UPLOAD_BYTES"),
    *("BUILDS_PER_USER", "BUILDS_PER_ENDPOINT", "KETTLE_PROVISIONER", "KETTLE_PROVISIONER_URL", "KETTLE_PROVISIONER_TOKEN"),
    *("POLICY_NEEDS_SECOND_APPROVER", "COLLATERAL", "AMD_KDS_URL", "INTEL_PCS_URL", "REVERIFY_EVERY", "EMAIL_URL", "EMAIL_FROM"),
):
    os.environ.pop(_name, None)
os.environ["DATA_DIR"] = _data
if _database := os.environ.get("KETTLE_TEST_DATABASE_URL"):
    # The whole suite on another database: KETTLE_TEST_DATABASE_URL=postgres://… bin/test
    os.environ["DATABASE_URL"] = _database

from kettle_web.settings import *  # noqa: E402, F403

# A kept connection of a thread would stand in the way when the test database is removed.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405

# Sign-ins by the hundred; their slowness is not what is tested.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
