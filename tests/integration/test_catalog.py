# SPDX-License-Identifier: Apache-2.0
"""Every MESSAGE_ID that nucleus-exec can send has an entry in the journal's catalog, and the other way round."""

import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def test_catalog_entries_match_message_ids():
    sent = re.findall(r'"([0-9a-f]{32})"', (SOURCE / "exec-helper/message-id.h").read_text())
    explained = re.findall(r"^-- ([0-9a-f]{32})$", (SOURCE / "units/nucleus.catalog").read_text(), re.M)
    assert sorted(sent) == sorted(explained)
    assert len(set(sent)) == len(sent) >= 5
