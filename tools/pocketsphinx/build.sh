#!/bin/sh
# Builds src/engines/pocketsphinx/pocketsphinx.wasm and its model from the pinned source. Needs python3 with pip, tar.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../../src/engines/pocketsphinx"
version=5.1.1
sha256=675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
python="$work/venv/bin/python"
"$python" -m pip install --quiet ziglang==0.17.0
"$python" -m pip download --quiet --no-deps --no-binary :all: -d "$work" "pocketsphinx==$version"
archive="$work/pocketsphinx-$version.tar.gz"
echo "$sha256  $archive" | sha256sum --check --quiet
tar -xzf "$archive" -C "$work"
cd "$work/pocketsphinx-$version"

# Paths are relative, so that the module holds none of this machine.
cp -r "$here/include" wasm-include
cp "$here/exports.c" wasm-exports.c
# shellcheck disable=SC2046 # the sources' names have no spaces
"$python" -m ziglang cc --target=wasm32-wasi -mexec-model=reactor -O3 -msimd128 -s -w \
  -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_PROCESS_CLOCKS -DHAVE_CONFIG_H \
  -Iwasm-include -Iwasm-include/pocketsphinx -Iinclude -Isrc \
  $(find src -name '*.c' | LC_ALL=C sort) wasm-exports.c \
  -lwasi-emulated-mman -lwasi-emulated-process-clocks -o pocketsphinx.wasm

mkdir -p "$out/model"
cp pocketsphinx.wasm "$out/"
chmod 644 "$out/pocketsphinx.wasm"
cp LICENSE "$out/LICENSE"
cp -r model/en-us/en-us "$out/model/"
cp model/en-us/en-us.lm.bin "$out/model/"
cp model/en-us/en-us/README "$out/model/LICENSE"
"$python" "$here/split-dictionary.py" model/en-us/en-us.lm.bin model/en-us/cmudict-en-us.dict \
  "$out/model/en-us.dict" "$out/model/more-words.dict"
sha256sum "$out/pocketsphinx.wasm"
