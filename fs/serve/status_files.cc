// SPDX-License-Identifier: Apache-2.0
#include "serve/status_files.h"

#include <nlohmann/json.hpp>

namespace coffer {
namespace {

using Count = Status::Count;

struct NamedCount {
    Count count;
    const char* name;
    const char* help;
};
constexpr NamedCount kNamedCounts[] = {
    {Count::lookups, "lookups", "Names looked up."},
    {Count::opens, "opens", "Secrets opened."},
    {Count::reads, "reads", "Reads answered with bytes of a secret."},
    {Count::refusals, "refusals", "Requests that the policy or a check refused."},
    {Count::errors, "errors", "Requests that failed for a damaged payload or a missing key."},
    {Count::commits, "commits", "Commits taken in since the start."},
    {Count::policy_loads, "policy_loads", "Policies taken in since the start."},
};

void add_metric(std::string& out, std::string_view name, std::string_view type, std::string_view help,
                std::uint64_t value) {
    out += concat("# HELP coffer_", name, ' ', help, "\n# TYPE coffer_", name, ' ', type, "\ncoffer_", name,
                  ' ', value, '\n');
}

}  // namespace

std::string StatusFiles::text(NameId file) const {
    if (file == kStatusJson) return status_json();
    if (file == kMetrics) return metrics();
    return concat(parts_.catalogue.revision(), '\n');
}

std::string StatusFiles::status_json() const {
    const auto problems = parts_.status.problems();
    const auto size = parts_.catalogue.size();
    const auto cache = parts_.unsealer.size();
    nlohmann::ordered_json out;
    out["healthy"] = problems.empty();
    out["problems"] = nlohmann::ordered_json::object();
    for (const auto& [part, problem] : problems) out["problems"][part] = problem;
    out["version"] = parts_.version;
    out["store"] = parts_.store_id;
    out["host"] = parts_.host;
    out["revision"] = parts_.catalogue.revision();
    out["secrets"] = size.live;
    out["scopes"] = size.scopes;
    out["scope_keys_held"] = parts_.keys.held();
    out["open_files"] = parts_.handles.open();
    out["cached_versions"] = cache.versions;
    out["locked_bytes"] = cache.locked_bytes;
    out["attest"] = parts_.attest_method;
    for (const NamedCount& one : kNamedCounts) out[one.name] = parts_.status.value(one.count);
    return out.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string StatusFiles::metrics() const {
    const auto size = parts_.catalogue.size();
    const auto cache = parts_.unsealer.size();
    std::string out;
    for (const NamedCount& one : kNamedCounts)
        add_metric(out, concat(one.name, "_total"), "counter", one.help, parts_.status.value(one.count));
    add_metric(out, "revision", "gauge", "The revision of the store that is served.",
               parts_.catalogue.revision());
    add_metric(out, "secrets", "gauge", "Live secrets in the store.", size.live);
    add_metric(out, "open_files", "gauge", "Open files.", parts_.handles.open());
    add_metric(out, "cached_versions", "gauge", "Versions whose box key is kept.", cache.versions);
    add_metric(out, "locked_bytes", "gauge", "Locked memory of the kept box keys.", cache.locked_bytes);
    add_metric(out, "problems", "gauge", "Problems that status.json names.", parts_.status.problems().size());
    return out;
}

}  // namespace coffer
