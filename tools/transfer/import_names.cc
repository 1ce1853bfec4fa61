// SPDX-License-Identifier: Apache-2.0
#include "transfer/import_names.h"

#include <unordered_map>

#include "keys/seal.h"
#include "names/name.h"

namespace coffer {
namespace {

std::string place(const Entry& entry) {
    return entry.line == 0 ? std::string() : concat("line ", entry.line, ": ");
}

// Where an entry stands among others of the same KEY: "line 3", or its path.
std::string where(const Entry& entry) {
    return entry.line == 0 ? printable(entry.name) : concat("line ", entry.line);
}

class NameCheck {
  public:
    explicit NameCheck(const NameOptions& options) : options_(options) {}

    void take(const Entry& entry) {
        std::string key = entry.name;
        auto valid = check_key(key);
        if (!valid && options_.rename) {
            key = valid_key(entry.name);
            valid = check_key(key);
            if (valid) out_.notes.push_back(concat(place(entry), printable(entry.name), " becomes ", key));
        }
        if (!valid && options_.skip_invalid) {
            out_.warnings.push_back(concat(place(entry), valid.error().message, "; left out"));
        } else if (!valid) {
            out_.problems.push_back(concat(place(entry), valid.error().message, suggestion(entry.name)));
        } else if (entry.value.size() > kMaxValue) {
            out_.problems.push_back(concat(place(entry), "the value of ", key, " has ", entry.value.size(),
                                           " bytes; at most ", kMaxValue, " are allowed"));
        } else {
            add(entry, std::move(key));
        }
    }
    ImportNames done() { return std::move(out_); }

  private:
    [[nodiscard]] std::string suggestion(std::string_view name) const {
        const std::string key = valid_key(name);
        return options_.rename || !check_key(key) ? std::string() : concat("; --rename makes it ", key);
    }

    void add(const Entry& entry, std::string key) {
        auto [known, is_new] = known_.try_emplace(key, Known{&entry, out_.values.size()});
        if (is_new) {
            out_.values.push_back({std::move(key), entry.value});
            return;
        }
        Known& first = known->second;
        if (first.entry->name != entry.name) {
            out_.problems.push_back(concat(printable(first.entry->name), " and ", printable(entry.name),
                                           " would both become ", key, "; rename one of them at its source"));
            return;
        }
        out_.warnings.push_back(concat(key, " stands on ", where(*first.entry), " and again on ",
                                       where(entry), ", which counts"));
        first.entry = &entry;
        out_.values[first.index].value = entry.value;
    }

    struct Known {
        const Entry* entry;
        std::size_t index;  // in out_.values
    };
    const NameOptions& options_;
    ImportNames out_;
    std::unordered_map<std::string, Known> known_;
};

}  // namespace

std::string valid_key(std::string_view name) {
    std::string out(name);
    for (char& c : out) {
        if (!check_key(concat('x', c))) c = '_';
    }
    if (out.starts_with('.') || out.starts_with('-')) out[0] = '_';
    return out;
}

ImportNames import_names(const std::vector<Entry>& entries, const NameOptions& options) {
    NameCheck check(options);
    for (const Entry& entry : entries) check.take(entry);
    return check.done();
}

}  // namespace coffer
