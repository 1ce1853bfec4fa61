// SPDX-License-Identifier: Apache-2.0
//
// TaskSlice: the name of the slice in which a task runs, so that a rule with captures knows its project and
// domain: "acme-{project}-{domain}.slice". A dash separates the levels of slices, so one that belongs to a
// name is written \x2d, as systemd-escape(1) does and the policy reads it back. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace coffer {

inline constexpr std::string_view kTaskSlice = "{org}-{project}-{domain}.slice";

struct TaskPlace {
    std::string org, project, domain;
};

// `form` with the three names in place of {org}, {project} and {domain}; each is needed but {org}.
// Code::invalid for a form that gives no name of a slice.
[[nodiscard]] Result<std::string> task_slice(std::string_view form, const TaskPlace& place);

// From the outermost in: "a.slice", "a-b.slice", "a-b-c.slice".
[[nodiscard]] std::vector<std::string> slice_levels(std::string_view slice);

}  // namespace coffer
