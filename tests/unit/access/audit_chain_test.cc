// SPDX-License-Identifier: Apache-2.0
#include "audit_case.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// The text of a log of so many decisions about processes from `first` on.
std::string log_of(int decisions, pid_t first = 100) {
    TempFolder folder;
    auto log = open_log(folder / "audit.jsonl");
    for (int i = 0; i < decisions; ++i) REQUIRE(log->record(caller(first + i), kAllow));
    log.reset();
    return read_text(folder / "audit.jsonl");
}

// Each text is a file.
AuditChain check(const std::vector<std::string>& files, std::optional<Hash> anchor = {}) {
    AuditChain chain(anchor);
    int number = 0;
    for (const std::string& file : files) {
        chain.begin_file(concat("file ", ++number));
        for (const std::string& line : text_lines(file)) {
            const bool last = file.ends_with(line.substr(0, line.size() - 1)) && !file.ends_with('\n');
            if (!chain.take(std::string_view(line).substr(0, line.size() - 1), !last)) return chain;
        }
        if (!chain.end_file()) return chain;
    }
    return chain;
}

Hash hash_of(const std::string& line) {
    return *Hash::parse(nlohmann::json::parse(line)["hash"].get<std::string>());
}

}  // namespace

TEST_CASE("a changed, removed or swapped line breaks the chain") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open_log(file);
        for (int i = 0; i < 4; ++i) REQUIRE(log->record(caller(100 + i), kAllow));
    }
    std::string text = read_text(file);
    auto lines = text_lines(text);
    CHECK_FALSE(verify_audit(lines[0] + lines[2] + lines[3]));
    CHECK_FALSE(verify_audit(lines[0] + lines[2] + lines[1] + lines[3]));
    CHECK_FALSE(verify_audit(lines[0] + lines[0] + lines[1]));
    std::string changed = text;
    changed.replace(changed.find("\"tgid\":102"), 10, "\"tgid\":999");
    CHECK_FALSE(verify_audit(changed));
    CHECK_FALSE(verify_audit(text + "junk\n"));
    CHECK_FALSE(verify_audit(lines[2] + lines[3]));  // without its beginning
}

TEST_CASE("any one edit in the middle of a log is found, at its line") {
    const auto lines = text_lines(log_of(6));
    auto joined = [](const std::vector<std::string>& some) {
        std::string out;
        for (const std::string& line : some) out += line;
        return out;
    };
    auto line_of = [&](const std::vector<std::string>& some) {
        auto chain = check({joined(some)});
        return chain.broken() ? chain.broken()->line : 0;
    };
    REQUIRE(line_of(lines) == 0);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        auto cut = lines, swapped = lines, doubled = lines, edited = lines;
        cut.erase(cut.begin() + static_cast<std::ptrdiff_t>(i));
        CHECK(line_of(cut) == i + 1);
        std::swap(swapped[i], swapped[i + 1]);
        CHECK(line_of(swapped) == i + 1);
        doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
        CHECK(line_of(doubled) == i + 2);
        edited[i].replace(edited[i].find("\"allow\""), 7, "\"deny\"");
        CHECK(line_of(edited) == i + 1);
    }
    // An editor who also makes the line's own hash fit breaks the one after it.
    auto chain = check({joined({lines[0], lines[1], lines[3]})});
    REQUIRE(chain.broken());
    CHECK(chain.records() == 2);
    CHECK(chain.head() == hash_of(lines[1]));
    CHECK(chain.broken()->found == hash_of(lines[3]));
    CHECK(chain.broken()->expected != chain.broken()->found);
}

TEST_CASE("a cut end is found by an anchor, and by nothing else") {
    const auto lines = text_lines(log_of(4));
    const std::string whole = lines[0] + lines[1] + lines[2] + lines[3], cut = lines[0] + lines[1];
    CHECK_FALSE(check({cut}).broken());
    CHECK(check({cut}).anchor_found());
    CHECK_FALSE(check({cut}, hash_of(lines[3])).anchor_found());
    CHECK(check({whole}, hash_of(lines[3])).anchor_found());
    CHECK(check({whole}, hash_of(lines[1])).anchor_found());                 // the log has grown since
    CHECK_FALSE(check({log_of(4, 200)}, hash_of(lines[3])).anchor_found());  // written anew
    CHECK_FALSE(check({""}, hash_of(lines[3])).anchor_found());
}

TEST_CASE("files are checked in a row, and one that is missing or edited between them is found") {
    TempFolder folder;
    auto log = open_log(folder / "audit.jsonl");
    std::vector<std::string> files;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(log->record(caller(100 + i), kAllow));
        std::filesystem::rename(folder / "audit.jsonl", folder / "old");
        REQUIRE(log->reopen());
        files.push_back(read_text(folder / "old"));
    }
    files.push_back(read_text(folder / "audit.jsonl"));
    CHECK(check(files).records() == 6);
    CHECK_FALSE(check(files).broken());
    CHECK_FALSE(check(files).follows());
    auto later = check({files[2], files[3]});
    CHECK_FALSE(later.broken());
    CHECK(later.follows() == hash_of(text_lines(files[1]).back()));
    CHECK(later.first_sequence() == 4);

    auto missing = check({files[0], files[2], files[3]});
    REQUIRE(missing.broken());
    CHECK(missing.broken()->file == "file 2");
    CHECK(missing.broken()->line == 1);
    CHECK(missing.broken()->expected == hash_of(text_lines(files[0]).back()));
    CHECK(missing.broken()->found == hash_of(text_lines(files[1]).back()));
    CHECK(check({files[1], files[0]}).broken());
    CHECK(check({text_lines(files[1])[0], files[2]}).broken());  // the end of one that has a next one
    // The anchor may be the last line of a file that was thrown away since.
    CHECK(check({files[2]}, hash_of(text_lines(files[1]).back())).anchor_found());
}

TEST_CASE("half a line at the end is said; junk in the middle is no half line") {
    const auto lines = text_lines(log_of(3));
    auto half = check({lines[0] + lines[1] + lines[2].substr(0, 40)});
    CHECK_FALSE(half.broken());
    CHECK(half.unfinished());
    CHECK(half.records() == 2);
    CHECK(check({lines[0] + "junk\n" + lines[1]}).broken()->line == 2);
    CHECK(check({lines[0] + "\n" + lines[1]}).broken()->line == 2);
    CHECK(check({lines[0] + "junk\n"}).broken()->line == 2);
    CHECK(check({"junk\n" + lines[0]}).broken()->line == 1);
    CHECK(check({std::string(70000, 'x') + "\n"}).broken()->line == 1);
}
