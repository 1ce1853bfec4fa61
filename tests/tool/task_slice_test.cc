// SPDX-License-Identifier: Apache-2.0
#include "programs/task_slice.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("a task's slice has the names of its place, and escapes dashes that belong to them") {
    CHECK(*task_slice(kTaskSlice, {"acme", "checkout", "production"}) == "acme-checkout-production.slice");
    CHECK(*task_slice(kTaskSlice, {"acme", "my-shop", "pre-prod"}) == "acme-my\\x2dshop-pre\\x2dprod.slice");
    CHECK(*task_slice("coffer-{project}-{domain}.slice", {"acme", "a.b", "c_d"}) == "coffer-a.b-c_d.slice");
}

TEST_CASE("a task's slice is refused where it would not tell places apart or is none") {
    const TaskPlace place{"acme", "checkout", "production"};
    CHECK(task_slice("coffer-{project}.slice", place).error().message.find("{domain}") != std::string::npos);
    CHECK(task_slice("coffer-{domain}.slice", place).error().message.find("{project}") != std::string::npos);
    for (const char* form : {"{project}-{domain}", "{project}-{domain}.service", "-{project}-{domain}.slice",
                             "{project}--{domain}.slice", "{project}/{domain}.slice",
                             "a-{project}-{domain}-.slice", "{project}-{domain}-{other}.slice"}) {
        INFO(form);
        auto made = task_slice(form, place);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Code::invalid);
    }
    CHECK_FALSE(task_slice(kTaskSlice, {"acme", std::string(128, 'a'), std::string(128, 'b')}));
}

TEST_CASE("the levels of a slice are those that systemd makes") {
    CHECK(slice_levels("a.slice") == std::vector<std::string>{"a.slice"});
    CHECK(slice_levels("a-b\\x2dc-d.slice") ==
          std::vector<std::string>{"a.slice", "a-b\\x2dc.slice", "a-b\\x2dc-d.slice"});
}
