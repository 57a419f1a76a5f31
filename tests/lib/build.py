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


def nucleus_exec():
    return program("exec-helper/nucleus-exec")


def payload():
    return program("tests/payload/payload")
