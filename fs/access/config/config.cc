// SPDX-License-Identifier: Apache-2.0
#include "access/config/config.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "access/config/owned_file.h"
#include "access/config/template_tables.h"
#include "access/config/toml_document.h"
#include "names/name.h"

namespace coffer {
namespace {

namespace stdfs = std::filesystem;

// One pass over the keys of the file; every key has a line in `read`.
class ConfigReader {
  public:
    ConfigReader(const stdfs::path& file, Config& config) : file_(file), config_(config) {}

    Result<void> read(const TomlMember& member);

  private:
    Result<std::string> text(const TomlMember& member) const;
    Result<void> path(const TomlMember& member, stdfs::path& out) const;
    Result<void> flag(const TomlMember& member, bool& out) const;
    template <class T>
    Result<void> number(const TomlMember& member, T& out, std::int64_t least, std::int64_t most) const;
    template <class Fixed>
    Result<void> hex(const TomlMember& member, Fixed& out) const;
    // The value is one of two words; `out` says whether it is the first.
    Result<void> word(const TomlMember& member, std::string_view first, std::string_view second,
                      bool& out) const;
    Result<void> read_audit_file(const TomlMember& member);
    Result<void> read_limit(const TomlMember& member);

    const stdfs::path& file_;
    Config& config_;
};

Result<std::string> ConfigReader::text(const TomlMember& member) const {
    if (member.value.kind != TomlValue::Kind::text)
        return fail_at(file_.native(), member.value.place, member.key, ": expected a string, found ",
                       to_text(member.value.kind));
    if (member.value.text.empty())
        return fail_at(file_.native(), member.value.place, member.key,
                       ": is empty; give a value or leave the key out");
    if (member.value.text.find('\0') != std::string::npos)
        return fail_at(file_.native(), member.value.place, member.key, ": holds a NUL");
    return member.value.text;
}

Result<void> ConfigReader::path(const TomlMember& member, stdfs::path& out) const {
    COFFER_TRY(std::string value, text(member));
    out = (file_.parent_path() / value).lexically_normal();
    return {};
}

Result<void> ConfigReader::flag(const TomlMember& member, bool& out) const {
    if (member.value.kind != TomlValue::Kind::boolean)
        return fail_at(file_.native(), member.value.place, member.key, ": expected true or false, found ",
                       to_text(member.value.kind));
    out = member.value.boolean;
    return {};
}

template <class T>
Result<void> ConfigReader::number(const TomlMember& member, T& out, std::int64_t least,
                                  std::int64_t most) const {
    if (member.value.kind != TomlValue::Kind::integer)
        return fail_at(file_.native(), member.value.place, member.key, ": expected an integer from ", least,
                       " to ", most, ", found ", to_text(member.value.kind));
    if (member.value.integer < least || member.value.integer > most)
        return fail_at(file_.native(), member.value.place, member.key, ": expected an integer from ", least,
                       " to ", most, ", found ", member.value.integer);
    out = static_cast<T>(member.value.integer);
    return {};
}

template <class Fixed>
Result<void> ConfigReader::hex(const TomlMember& member, Fixed& out) const {
    COFFER_TRY(std::string value, text(member));
    if (!from_hex(value, out.bytes))
        return fail_at(file_.native(), member.value.place, member.key, ": expected ", 2 * Fixed::kSize,
                       " lower-case hexadecimal digits, found \"", printable(value), "\"");
    return {};
}

Result<void> ConfigReader::word(const TomlMember& member, std::string_view first, std::string_view second,
                                bool& out) const {
    COFFER_TRY(std::string value, text(member));
    if (value != first && value != second)
        return fail_at(file_.native(), member.value.place, member.key, ": expected \"", first, "\" or \"",
                       second, "\", found \"", printable(value), "\"");
    out = value == first;
    return {};
}

// The one path that may be empty: that says that there is no such file.
Result<void> ConfigReader::read_audit_file(const TomlMember& member) {
    if (member.value.kind != TomlValue::Kind::text || !member.value.text.empty())
        return path(member, config_.audit_file);
    config_.audit_file.clear();
    return {};
}

Result<void> ConfigReader::read_limit(const TomlMember& member) {
    constexpr std::int64_t kMillions = 16'777'216;
    if (member.key == "threads") return number(member, config_.threads, 0, 256);
    if (member.key == "max_open") return number(member, config_.max_open, 1, kMillions);
    if (member.key == "max_open_per_uid") return number(member, config_.max_open_per_uid, 1, kMillions);
    if (member.key == "cached_versions") return number(member, config_.cached_versions, 1, kMillions);
    if (member.key == "large_bytes_per_uid")
        return number(member, config_.large_bytes_per_uid, 1 << 20, std::int64_t{1} << 40);
    return fail_at(file_.native(), member.place, "unknown key \"", printable(member.key),
                   "\"; see coffer.toml(5) for the keys there are");
}

Result<void> ConfigReader::read(const TomlMember& member) {
    if (member.key == "store") return path(member, config_.store);
    if (member.key == "store_socket") return path(member, config_.store_socket);
    if (member.key == "store_id") return hex(member, config_.pin.store);
    if (member.key == "owner") return hex(member, config_.pin.owner);
    if (member.key == "identity") return path(member, config_.identity);
    if (member.key == "host_identity") return path(member, config_.host_identity);
    if (member.key == "state") return path(member, config_.state);
    if (member.key == "policy") return path(member, config_.policy);
    if (member.key == "mount") return path(member, config_.mount);
    if (member.key == "audit_file") return read_audit_file(member);
    if (member.key == "audit_journal") return flag(member, config_.audit_journal);
    if (member.key == "fast_names") return flag(member, config_.fast_names);
    if (member.key == "template") return read_template_tables(member, file_.native(), config_.templates);
    if (member.key == "audit") return word(member, "required", "best-effort", config_.audit_required);
    if (member.key == "deny") {
        bool hide = true;
        COFFER_CHECK(word(member, "hide", "refuse", hide));
        config_.deny = hide ? Denial::hide : Denial::refuse;
        return {};
    }
    if (member.key == "admin_group") {
        COFFER_TRY(config_.admin_group, text(member));
        return {};
    }
    return read_limit(member);
}

const TomlMember* find_member(const TomlValue& table, std::string_view key) {
    auto found =
        std::ranges::find_if(table.members, [&](const TomlMember& member) { return member.key == key; });
    return found == table.members.end() ? nullptr : &*found;
}

// Decisions that go nowhere are no choice that there is: whoever does not want to keep them lets them be
// rotated away.
Result<void> check_audit(const Config& config, const TomlValue& table) {
    if (!config.audit_file.empty() || config.audit_journal) return {};
    const TomlMember* file = find_member(table, "audit_file");
    return fail_at(config.file.native(), file ? file->value.place : TomlPlace{1, 1},
                   "audit_file: is empty, and audit_journal is not true; audit records have to go somewhere");
}

Result<void> check_required(const TomlValue& table, const stdfs::path& file) {
    struct Required {
        std::string_view key, meaning;
    };
    constexpr Required kRequired[] = {{"store", "the store's file"},
                                      {"store_id", "the store's id, 32 hexadecimal digits"},
                                      {"owner", "the fingerprint of the store's first owner"},
                                      {"state", "the folder of the verified view and the watermark"},
                                      {"policy", "the folder of the policy files"}};
    for (const Required& required : kRequired) {
        if (!find_member(table, required.key))
            return fail_at(file.native(), TomlPlace{1, 1}, "the key \"", required.key,
                           "\" is missing: ", required.meaning);
    }
    return {};
}

// $HOME is the user's to set, and so is the choice of a configuration: the tool acts with the user's rights.
stdfs::path home_folder() {
    if (const char* home = ::secure_getenv("HOME"); home != nullptr && *home == '/') return home;
    struct passwd entry {};
    struct passwd* found = nullptr;
    char buffer[16384];
    if (::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
        return found->pw_dir;
    return {};
}

// Below the file's own folder: relative, so that the whole folder can be moved.
std::string written_path(const stdfs::path& path, const stdfs::path& file) {
    stdfs::path relative = path.lexically_relative(file.parent_path());
    bool below = !relative.empty() && *relative.begin() != "..";
    return quote_toml(below ? relative.native() : path.native());
}

}  // namespace

Result<Config> parse_config(std::string_view text, const stdfs::path& file) {
    Config config;
    config.file = file;
    COFFER_TRY(TomlValue table, parse_toml(text, file.native()));
    ConfigReader reader(config.file, config);
    for (const TomlMember& member : table.members) COFFER_CHECK(reader.read(member));
    COFFER_CHECK(check_required(table, file));
    if (config.max_open_per_uid > config.max_open) config.max_open_per_uid = config.max_open;
    if (!find_member(table, "audit_file")) config.audit_file = config.state / "audit.jsonl";
    COFFER_CHECK(check_audit(config, table));
    return config;
}

Result<Config> load_config(const stdfs::path& file) {
    std::error_code error;
    stdfs::path absolute = stdfs::absolute(file, error);
    if (error) return fail(Code::failed, "the current folder cannot be found: ", error.message());
    absolute = absolute.lexically_normal();
    auto text = read_owned_file(absolute);
    if (!text && text.error().code == Code::not_found)
        return fail(
            Code::not_found, text.error().message,
            "; name the configuration with --config or $COFFER_CONFIG, or make one with `coffer init`");
    if (!text) return tl::make_unexpected(std::move(text).error());
    return parse_config(*text, absolute);
}

std::size_t Config::thread_count() const {
    return threads ? threads : std::max(1u, std::thread::hardware_concurrency());
}

std::uint64_t Config::locked_bytes_needed() const {
    return std::uint64_t{cached_versions} * 32 + thread_count() * (64u << 10) + (2u << 20);
}

stdfs::path find_config(const std::optional<stdfs::path>& flag) {
    if (flag) return *flag;
    if (const char* named = ::secure_getenv("COFFER_CONFIG"); named != nullptr && *named != '\0')
        return named;
    if (stdfs::path home = home_folder(); !home.empty()) {
        stdfs::path own = home / ".config/coffer/coffer.toml";
        std::error_code error;
        // One that is there but cannot be read is an error of load_config, not a reason to take another.
        if (stdfs::symlink_status(own, error).type() != stdfs::file_type::not_found && !error) return own;
    }
    return "/etc/coffer/coffer.toml";
}

std::string write_config(const Config& config) {
    auto path = [&](std::string_view comment, std::string_view key, const stdfs::path& value,
                    std::string_view example) {
        std::string text = value.empty() ? std::string(example) : written_path(value, config.file);
        return concat("# ", comment, "\n", value.empty() ? "# " : "", key, " = ", text, "\n\n");
    };
    auto line = [](std::string_view comment, std::string_view key, const auto& value) {
        return concat("# ", comment, "\n", key, " = ", value, "\n\n");
    };
    auto word = [](bool yes, std::string_view first, std::string_view second) {
        return concat("\"", yes ? first : second, "\"");
    };
    std::string out =
        "# coffer: where things are and how the daemon serves. See coffer.toml(5).\n"
        "# Relative paths are relative to this file's folder.\n\n";
    out += path("The store's file.", "store", config.store, "\"store.db\"");
    out += path("The socket of coffer-stored, where that alone writes the store.", "store_socket",
                config.store_socket, "\"/run/coffer-store.sock\"");
    out += line("Which store this must be.", "store_id", quote_toml(config.pin.store.hex()));
    out += line("Whose: the fingerprint of its first owner.", "owner", quote_toml(config.pin.owner.hex()));
    out += path("The identity that the tool uses.", "identity", config.identity, "\"owner.identity\"");
    out += path("The identity that the daemon uses.", "host_identity", config.host_identity,
                "\"host.identity\"");
    out += path("Verified view and watermark, in daemon/ and tool/.", "state", config.state, "\"state\"");
    out += path("The folder of the policy files, *.toml; see coffer-policy(5).", "policy", config.policy,
                "\"policy.d\"");
    out += path("Where the secrets are shown.", "mount", config.mount, "\"/run/coffer\"");
    out += line("What a caller may not read is not there (\"hide\") or refused (\"refuse\").", "deny",
                word(config.deny == Denial::hide, "hide", "refuse"));
    out += line("Let the kernel keep the names of secrets: faster, but others can learn which are in use.",
                "fast_names", config.fast_names ? "true" : "false");
    out += line("The audit log; \"\" when it goes to the journal alone.", "audit_file",
                config.audit_file.empty() ? "\"\"" : written_path(config.audit_file, config.file));
    out += line("Audit records to the systemd journal.", "audit_journal",
                config.audit_journal ? "true" : "false");
    out += line("When it cannot be written: refuse (\"required\") or serve (\"best-effort\").", "audit",
                word(config.audit_required, "required", "best-effort"));
    out += line("Who besides root may read .coffer/ in the mount.", "admin_group",
                quote_toml(config.admin_group));
    out += line("Worker threads; 0: as many as cores.", "threads", config.threads);
    out += line("Open files, in all.", "max_open", config.max_open);
    out += line("Open files of one user.", "max_open_per_uid", config.max_open_per_uid);
    out += line("Versions whose opened keys are kept in locked memory.", "cached_versions",
                config.cached_versions);
    out += line("Bytes of locked memory for one user's open values over 16 KiB.", "large_bytes_per_uid",
                config.large_bytes_per_uid);
    out.pop_back();
    return out + write_template_tables(config.templates);
}

}  // namespace coffer
