// SPDX-License-Identifier: Apache-2.0
#include "serve/name_table.h"

#include "support/catch.h"
#include "support/test_store.h"

using namespace coffer;
using coffer::test::must;

TEST_CASE("a name keeps its number and its text while others come") {
    NameTable names;
    const NameId first = must(names.intern("FIRST"));
    const std::string_view text = names.text(first);
    std::vector<NameId> numbers;
    for (int i = 0; i < 20000; ++i) numbers.push_back(must(names.intern(concat("NAME_", i))));
    CHECK(names.text(first).data() == text.data());
    CHECK(names.text(first) == "FIRST");
    CHECK(must(names.intern("FIRST")) == first);
    bool all = true;
    for (int i = 0; i < 20000; ++i)
        all = all && names.text(numbers[static_cast<std::size_t>(i)]) == concat("NAME_", i) &&
              names.find(concat("NAME_", i)) == numbers[static_cast<std::size_t>(i)];
    CHECK(all);
    CHECK(names.find("UNKNOWN") == kNoName);
}

TEST_CASE("the daemon's own names have fixed numbers") {
    NameTable names;
    CHECK(names.find(".coffer") == kStatusFolder);
    CHECK(names.find("status.json") == kStatusJson);
    CHECK(names.find("metrics") == kMetrics);
    CHECK(names.find("revision") == kRevision);
}
