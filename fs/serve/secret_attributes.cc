// SPDX-License-Identifier: Apache-2.0
#include "serve/secret_attributes.h"

#include <ctime>

namespace coffer {
namespace {

constexpr std::string_view kPrefix = "user.coffer.";
constexpr std::string_view kNames(
    "user.coffer.scope\0user.coffer.version\0user.coffer.visibility\0user.coffer.expires\0"
    "user.coffer.writer\0",
    18 + 20 + 23 + 20 + 19);

std::string moment(std::uint64_t ms) {
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    char text[32];
    if (!gmtime_r(&seconds, &parts)) return "never";  // beyond the calendar
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::optional<std::string> secret_attribute(const Shown& shown, std::string_view name) {
    if (!name.starts_with(kPrefix)) return std::nullopt;
    name.remove_prefix(kPrefix.size());
    if (name == "scope") return std::string(shown.scope);
    if (name == "version") return concat(shown.version);
    if (name == "visibility") return std::string(to_text(shown.visibility));
    if (name == "expires") return shown.not_after_ms ? moment(shown.not_after_ms) : "never";
    if (name == "writer") return std::string(shown.writer);
    return std::nullopt;
}

std::string_view secret_attribute_names() {
    return kNames;
}

}  // namespace coffer
