// SPDX-License-Identifier: Apache-2.0
//
// The vectors of kind "log": each is a log whose last commit is accepted, or refused by the rule it names.
#pragma once

#include <filesystem>

namespace coffer::test {

// Throws when a log does not behave as its vector would say.
void write_log_vectors(const std::filesystem::path& folder);

}  // namespace coffer::test
