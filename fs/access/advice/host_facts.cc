// SPDX-License-Identifier: Apache-2.0
#include "access/advice/host_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "access/attest/exe_hasher.h"
#include "access/policy/accounts.h"
#include "access/policy/policy_rule.h"
#include "base/descriptor.h"

namespace coffer {
namespace {

constexpr std::chrono::minutes kHashPatience{1};

std::vector<std::filesystem::path> unit_folders() {
    std::vector<std::filesystem::path> out;
    const char* named = std::getenv("SYSTEMD_UNIT_PATH");  // NOLINT(concurrency-mt-unsafe): one thread
    std::string_view rest = named ? named : "";
    while (!rest.empty()) {
        std::string_view one = rest.substr(0, rest.find(':'));
        if (!one.empty()) out.emplace_back(one);
        if (one.size() == rest.size()) return out;
        rest.remove_prefix(one.size() + 1);
    }
    // Not set, or ending in a colon, which stands for the usual ones.
    for (std::string_view folder :
         {"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
          "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached",
          "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
          "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
          "/run/systemd/generator.late"})
        out.emplace_back(folder);
    return out;
}

bool is_unit_file(std::string_view name) {
    constexpr std::string_view kSuffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

// The daemon's right to read, by the mode alone: an ACL may say otherwise.
bool may_read(const struct stat& status, uid_t uid) {
    if (uid == 0) return true;
    if (status.st_uid == uid) return (status.st_mode & S_IRUSR) != 0;
    auto name = user_name(uid);
    if (name && std::ranges::count(groups_of(*name), status.st_gid) > 0)
        return (status.st_mode & S_IRGRP) != 0;
    return (status.st_mode & S_IROTH) != 0;
}

std::string writer_of(const struct stat& status) {
    if (status.st_uid != 0)
        return concat("its owner ", user_name(status.st_uid).value_or(concat("uid ", status.st_uid)));
    // In a sticky folder others can add files but not replace this one.
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return {};
    if ((status.st_mode & S_IWOTH) != 0) return "everybody";
    if ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0)
        return concat("its group ", group_name(status.st_gid).value_or(concat("gid ", status.st_gid)));
    return {};
}

// Who writes a folder on the way can put another program there.
std::string writer_on_the_way(const std::filesystem::path& file) {
    for (std::filesystem::path at = file;; at = at.parent_path()) {
        struct stat status {};
        if (::stat(at.c_str(), &status) == 0) {
            std::string writer = writer_of(status);
            if (!writer.empty())
                return at == file ? writer : concat(writer, " (by way of ", at.native(), ')');
        }
        if (at == at.parent_path()) return {};
    }
}

bool begins_as_script(const Descriptor& file) {
    char start[2] = {};
    return ::pread(file.get(), start, sizeof start, 0) == 2 && start[0] == '#' && start[1] == '!';
}

ProgramFacts look_at_program(const std::string& path, std::optional<uid_t> daemon, ExeHasher* hasher) {
    ProgramFacts facts;
    std::error_code error;
    std::filesystem::path real = std::filesystem::canonical(path, error);
    struct stat status {};
    if (error || ::stat(real.c_str(), &status) != 0) return facts;
    facts.exists = true;
    facts.real_path = real.native();
    facts.regular = S_ISREG(status.st_mode);
    if (!facts.regular) return facts;
    facts.writable_by = writer_on_the_way(real);
    facts.readable = !daemon || may_read(status, *daemon);
    Descriptor file(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return facts;
    facts.script = begins_as_script(file);
    if (!hasher) return facts;
    if (auto hash = hasher->hash(std::move(file))) facts.sha256 = *hash;
    return facts;
}

}  // namespace

std::optional<std::map<std::string, std::string, std::less<>>> find_unit_files() {
    std::map<std::string, std::string, std::less<>> out;
    bool any = false;
    for (const auto& folder : unit_folders()) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            std::string name = entry.path().filename().string(), target;
            if (!is_unit_file(name)) continue;
            if (entry.is_symlink(error)) {
                auto link = std::filesystem::read_symlink(entry.path(), error);
                if (link.filename() != name)
                    target = link == "/dev/null" ? link.native() : link.filename().string();
            }
            out.emplace(std::move(name), std::move(target));  // an earlier folder wins
        }
        any = any || !error;
    }
    if (!any) return std::nullopt;
    return out;
}

std::map<std::string, ProgramFacts, std::less<>> look_at_programs(const Policy& policy,
                                                                  std::optional<uid_t> daemon) {
    std::set<std::string> hashed;
    for (std::string& path : policy.hashed_programs()) hashed.insert(std::move(path));
    std::map<std::string, ProgramFacts, std::less<>> out;
    std::optional<ExeHasher> hasher;
    if (!hashed.empty()) {
        ExeHasher::Limits limits;
        limits.patience = kHashPatience;
        hasher.emplace(limits);
    }
    for (const Rule& rule : policy.rules()) {
        for (const Glob& exe : rule.exes.value_or(std::vector<Glob>())) {
            const std::string& path = exe.text();
            if (path.find('*') != path.npos || out.contains(path)) continue;
            out.emplace(path, look_at_program(path, daemon, hashed.contains(path) ? &*hasher : nullptr));
        }
    }
    return out;
}

}  // namespace coffer
