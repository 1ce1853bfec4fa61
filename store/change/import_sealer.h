// SPDX-License-Identifier: Apache-2.0
//
// ImportSealer: seals the values of an import on all cores: those of one commit together, and those of the
// next one while it is written, by the guess that they will be wanted just so. A wrong guess costs its work
// alone, for what was sealed ahead is used once, and only for the very key, visibility and version. One
// thread at a time; what the jobs point to must outlive this.
#pragma once

#include <future>
#include <span>
#include <vector>

#include "change/import.h"
#include "change/sealing_key.h"

namespace coffer {

struct SealJob {
    const ImportedValue* imported = nullptr;
    SealingKey key;
    Visibility visibility = Visibility::masked;
    std::uint64_t version = 0;
    // Once it is sealed:
    Put put;
    Bytes payload;
};

class ImportSealer {
  public:
    ImportSealer(const StoreId& store, const Scope& scope) : store_(store), scope_(scope) {}

    [[nodiscard]] Result<void> seal(std::span<SealJob> jobs);
    // Begins with values that follow each other in the import, and returns at once.
    void begin(std::vector<SealJob> next);

  private:
    void take_what_was_begun(std::span<SealJob> jobs);
    const StoreId store_;
    const Scope scope_;
    std::future<std::vector<SealJob>> begun_;  // its destructor waits: no thread outlives the values
};

}  // namespace coffer
