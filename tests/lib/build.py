# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are: the build directory that NUCLEUS_BUILD names, or ./build."""

import os


def directory():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get("NUCLEUS_BUILD") or os.path.join(os.path.dirname(os.path.dirname(here)), "build")


def program(relative):
    path = os.path.join(directory(), relative)
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is missing: build it, or set NUCLEUS_BUILD to the build directory")
    return path


def nucleus_exec(spec=b""):
    """The helper for a spec's text. NUCLEUS_TEST_STATIC=1: the static one, where the generator would take it."""
    needs_library = any(line.startswith((b"attest ", b"log-denials ")) for line in spec.splitlines())
    static = os.environ.get("NUCLEUS_TEST_STATIC") == "1" and not needs_library
    return program("exec-helper/nucleus-exec-static" if static else "exec-helper/nucleus-exec")


def payload():
    return program("tests/payload/payload")
