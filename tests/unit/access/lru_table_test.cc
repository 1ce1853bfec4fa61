// SPDX-License-Identifier: Apache-2.0
#include "access/attest/lru_table.h"

#include <memory>

#include "support/catch.h"

using coffer::LruTable;

TEST_CASE("a full table forgets what was used least recently") {
    LruTable<int, int> table(2);
    table.put(1, 10);
    table.put(2, 20);
    CHECK(table.find(1) == 10);
    table.put(3, 30);
    CHECK(table.find(1) == 10);
    CHECK_FALSE(table.find(2));
    CHECK(table.find(3) == 30);
    CHECK(table.size() == 2);
}

TEST_CASE("a key that is put again has the new value and counts once") {
    LruTable<int, int> table(2);
    table.put(1, 10);
    table.put(1, 11);
    table.put(2, 20);
    CHECK(table.find(1) == 11);
    CHECK(table.size() == 2);
}

TEST_CASE("rotating a table visits every entry") {
    LruTable<int, int> table(3);
    CHECK_FALSE(table.rotate());
    for (int key : {1, 2, 3}) table.put(key, key);
    for (int key : {1, 2, 3, 1}) CHECK(table.rotate()->first == key);
    CHECK(table.size() == 3);
}

TEST_CASE("erasing an entry spares one that has replaced it") {
    LruTable<int, int> table(3);
    table.put(1, 10);
    table.erase(1, 99);
    CHECK(table.find(1) == 10);
    table.erase(1, 10);
    CHECK_FALSE(table.find(1));
    table.erase(1, 10);
    CHECK(table.size() == 0);
}

TEST_CASE("a value that leaves the table is destroyed, one in use is not") {
    LruTable<int, std::shared_ptr<int>> table(1);
    auto value = std::make_shared<int>(1);
    std::weak_ptr<int> first = value;
    table.put(1, std::move(value));
    auto held = *table.find(1);
    table.clear();
    CHECK_FALSE(first.expired());
    held.reset();
    CHECK(first.expired());
    CHECK_FALSE(table.find(1));
}
