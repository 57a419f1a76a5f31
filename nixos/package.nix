# SPDX-License-Identifier: Apache-2.0
# The package, for callPackage. The systemd directories go to the package's own output: nixpkgs' systemd would
# otherwise name its store path, which cannot be written.
{
  lib,
  stdenv,
  meson,
  ninja,
  pkg-config,
  mandoc,
  cmocka,
  cryptsetup,
  inih,
  jansson,
  libarchive,
  libcap,
  libseccomp,
  openssl,
  systemd,
  tomlplusplus,
}:

stdenv.mkDerivation {
  pname = "nucleus";
  version = "0.1.0";
  src = lib.cleanSource ../.;

  strictDeps = true;
  nativeBuildInputs = [
    meson
    ninja
    pkg-config
    mandoc
  ];
  buildInputs = [
    cryptsetup
    inih
    jansson
    libarchive
    libcap
    libseccomp
    openssl
    systemd
    tomlplusplus
  ];
  checkInputs = [ cmocka ];
  doCheck = true;

  mesonFlags = [
    "-Dsystemdsystemunitdir=${placeholder "out"}/lib/systemd/system"
    "-Dsystemduserunitdir=${placeholder "out"}/lib/systemd/user"
    "-Dsystemdsystemgeneratordir=${placeholder "out"}/lib/systemd/system-generators"
    "-Dsystemdusergeneratordir=${placeholder "out"}/lib/systemd/user-generators"
    "-Dsystemdcatalogdir=${placeholder "out"}/lib/systemd/catalog"
    "-Dsystemdpresetdir=${placeholder "out"}/lib/systemd/system-preset"
    "-Dtmpfilesdir=${placeholder "out"}/lib/tmpfiles.d"
    "-Dbashcompletiondir=${placeholder "out"}/share/bash-completion/completions"
  ];

  meta = {
    description = "Hardened services and agent sandboxes, native to systemd";
    license = lib.licenses.asl20;
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    mainProgram = "nucleus";
  };
}
