// SPDX-License-Identifier: Apache-2.0
//
// The vectors of the kinds "identity", "identity-file", "watermark", "pin" and "pattern".
#pragma once

#include <filesystem>

namespace coffer::test {

// Throws when something does not behave as its vector would say. A file under a passphrase cannot be made
// twice, so one that is there is left alone.
void write_key_vectors(const std::filesystem::path& folder);

}  // namespace coffer::test
