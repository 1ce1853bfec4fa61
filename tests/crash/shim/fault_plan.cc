// SPDX-License-Identifier: Apache-2.0
#include "fault_plan.h"

#include <cstdlib>
#include <utility>

namespace crash {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody writes it
    return value ? value : "";
}

Fault fault_named(std::string_view name) {
    constexpr std::pair<std::string_view, Fault> kNames[] = {
        {"kill", Fault::kill},     {"kill-half", Fault::kill_half}, {"eio", Fault::eio},
        {"eio-on", Fault::eio_on}, {"enospc", Fault::enospc},       {"full", Fault::full},
        {"brief", Fault::brief}};
    for (const auto& [known, fault] : kNames)
        if (known == name) return fault;
    return Fault::none;
}

bool needs_room(std::string_view call) {
    return call == "write" || call == "create" || call == "mkdir" || call == "rename" || call == "link";
}

}  // namespace

FaultPlan& FaultPlan::instance() {
    static FaultPlan plan;
    return plan;
}

FaultPlan::FaultPlan()
    : folder_(variable("COFFER_CRASH_FOLDER") + "/"),
      call_(variable("COFFER_CRASH_CALL")),
      file_(variable("COFFER_CRASH_FILE")),
      fault_(fault_named(variable("COFFER_CRASH_FAULT"))),
      at_(static_cast<unsigned>(std::strtoul(variable("COFFER_CRASH_AT").c_str(), nullptr, 10))) {}

bool FaultPlan::concerns(std::string_view path) const {
    return folder_.size() > 1 && path.substr(0, folder_.size()) == folder_;
}

Fault FaultPlan::next(std::string_view call, std::string_view path) {
    const bool ends = path.size() >= file_.size() && path.substr(path.size() - file_.size()) == file_;
    if (!ends || (!call_.empty() && call != call_)) return Fault::none;
    return fault_of(++calls_, call);
}

Fault FaultPlan::fault_of(unsigned number, std::string_view call) const {
    const bool here = number == at_;
    const bool since = at_ > 0 && number >= at_;
    switch (fault_) {
        case Fault::eio_on:
            return since ? Fault::eio : Fault::none;
        case Fault::full:
            if (here && call == "write") return Fault::full;
            return since && needs_room(call) ? Fault::enospc : Fault::none;
        default:
            return here ? fault_ : Fault::none;
    }
}

}  // namespace crash
