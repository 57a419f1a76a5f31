# SPDX-License-Identifier: Apache-2.0
import sqlite3

c = sqlite3.connect("/tmp/db")
c.execute("pragma journal_mode=wal")
c.execute("create table t (n)")
c.executemany("insert into t values (?)", [(i,) for i in range(1000)])
c.commit()
c.execute("vacuum")
assert sqlite3.connect("/tmp/db").execute("select sum(n) from t").fetchone() == (499500,)
print("ok")
