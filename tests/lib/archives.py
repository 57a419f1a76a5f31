# SPDX-License-Identifier: Apache-2.0
"""Tar archives and archives of container images, made entry by entry, so that they can be as bad as need be."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import tarfile

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def entry(name, data=b"", kind=tarfile.REGTYPE, link="", mode=None, uid=0, gid=0, **pax):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.uid, info.gid, info.mtime = kind, link, uid, gid, 1234567
    info.mode = mode if mode is not None else 0o755 if kind == tarfile.DIRTYPE else 0o644
    info.size = len(data)
    info.pax_headers = {k.replace("__", "."): v for k, v in pax.items()}
    return info, data


def directory(name, **more):
    return entry(name, kind=tarfile.DIRTYPE, **more)


def symlink(name, target, **more):
    return entry(name, kind=tarfile.SYMTYPE, link=target, **more)


def hard_link(name, target, **more):
    return entry(name, kind=tarfile.LNKTYPE, link=target, **more)


def tar(*entries, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as t:
        for info, data in entries:
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


COMPRESSIONS = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


def naive(archive, path):
    """What a program does that believes an archive: the control of every attack."""
    trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as t:
        for member in t:
            t.extract(member, path, **trusted)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def config(layers, architecture=MACHINE, **program):
    return json.dumps({"os": "linux", "architecture": architecture, "config": program,
                       "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer) for layer in layers]}}).encode()


class Oci:
    """An OCI image layout, as skopeo and Docker since version 25 write it."""

    def __init__(self):
        self.blobs, self.manifests = {}, []

    def blob(self, data, media_type, **more):
        self.blobs[sha256(data)] = data
        return {"mediaType": media_type, "digest": "sha256:" + sha256(data), "size": len(data), **more}

    def image(self, layers, compress=gzip.compress, architecture=MACHINE, **program):
        """Adds the blobs of one; its descriptor."""
        kind = {gzip.compress: "+gzip", zstd: "+zstd"}.get(compress, "")
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(config(layers, architecture, **program), "application/vnd.oci.image.config.v1+json"),
            "layers": [self.blob(compress(layer), "application/vnd.oci.image.layer.v1.tar" + kind) for layer in layers],
        }
        return self.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")

    def index(self, *descriptors):
        document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": descriptors}
        return self.blob(json.dumps(document).encode(), "application/vnd.oci.image.index.v1+json")

    def add(self, descriptor, name=None, platform=None):
        if name:
            descriptor = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}}
        if platform:
            descriptor = {**descriptor, "platform": dict(zip(("os", "architecture"), platform.split("/")))}
        self.manifests.append(descriptor)
        return self

    def entries(self):
        yield directory("blobs/")
        yield directory("blobs/sha256/")
        yield from (entry(f"blobs/sha256/{digest}", data) for digest, data in self.blobs.items())
        yield entry("index.json", json.dumps({"schemaVersion": 2, "manifests": self.manifests}).encode())
        yield entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    def archive(self):
        return tar(*self.entries())


def docker(*images):
    """As `docker save` wrote it before version 25. Each image: (tags, layers, program of the configuration)."""
    entries, manifest = [], []
    for tags, layers, program in images:
        text = config(layers, **program)
        names = []
        for number, layer in enumerate(layers):
            name = sha256(b"%d" % number + layer)
            entries += [directory(f"{name}/"), entry(f"{name}/VERSION", b"1.0"), entry(f"{name}/json", b"{}"),
                        entry(f"{name}/layer.tar", layer)]
            names.append(f"{name}/layer.tar")
        entries.append(entry(f"{sha256(text)}.json", text))
        manifest.append({"Config": f"{sha256(text)}.json", "RepoTags": tags, "Layers": names})
    entries.append(entry("manifest.json", json.dumps(manifest).encode()))
    entries.append(entry("repositories", b"{}"))
    return entries
