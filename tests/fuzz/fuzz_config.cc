// SPDX-License-Identifier: Apache-2.0
//
// Configurations, and with them the TOML reader that policies share. Property: what was accepted is written
// in a form that is accepted again.
#include "access/config/config.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto config = parse_config(text, "/etc/coffer/coffer.toml");
    if (!config) return 0;
    require(!config->store.empty() && !config->state.empty() && !config->policy.empty(),
            "paths are required");
    auto again = parse_config(write_config(*config), "/etc/coffer/coffer.toml");
    require(again.has_value(), "a written configuration is accepted");
    require(again->pin == config->pin && again->store == config->store, "and says the same");
    return 0;
}
