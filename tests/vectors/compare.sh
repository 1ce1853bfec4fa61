#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare.sh MAKE_VECTORS PYTHON: makes the vectors anew in another folder; they must be those of this one, to the byte.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cp "$here/identity-file-accept-argon2id.vector" "$there"  # random salt and nonce: it cannot be made twice
"$1" "$there"
"$2" "$here/make_payloads.py" "$there"
mkdir "$there/old"
cp "$here"/*.vector "$there/old"
mkdir "$there/new"
mv "$there"/*.vector "$there/new"
diff -r "$there/old" "$there/new" && echo "the vectors are the same"
