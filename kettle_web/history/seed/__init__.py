"""An invented history for measurements and for trying the pages out: `manage.py seed`. It claims nothing: every build of it says so."""
