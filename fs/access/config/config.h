// SPDX-License-Identifier: Apache-2.0
//
// coffer.toml: where things are and how the daemon serves. Flat keys and [[template]] tables, all documented
// in docs/configuration.md; an unknown key, a wrong type or a loosely owned file is an error with
// file:line:column. Relative paths are relative to the file's folder. Pure but for load_config and
// find_config.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "names/scope.h"
#include "view/view.h"

namespace coffer {

enum class Denial : std::uint8_t { hide, refuse };  // ENOENT or EACCES for what a caller may not read

// [[template]]: a rendered file of the mount. docs/templates.md.
struct TemplateFile {
    SecretName path;               // path = "org/project/domain/NAME", all four given
    std::filesystem::path source;  // the template's text; absolute
    mode_t mode = 0400;            // as a rule's: reading alone
    std::string place;             // where it stands, "file:line:column: ", for messages
};

struct Config {
    std::filesystem::path file;          // where this was read from
    std::filesystem::path store;         // store = "store.db"
    std::filesystem::path store_socket;  // store_socket = "/run/coffer-store.sock"; may be empty
    Pin pin;                         // store_id, owner (the genesis owner's fingerprint), both hexadecimal
    std::filesystem::path identity;  // identity = "owner.identity": the tool's; may be empty
    std::filesystem::path host_identity;  // host_identity = "host.identity": the daemon's
    std::filesystem::path state;          // state = "state": view and watermark, in daemon/ and tool/
    std::filesystem::path policy;         // policy = "policy.d"
    std::filesystem::path mount;          // mount = "/run/coffer"; may be empty
    Denial deny = Denial::hide;           // deny = "hide" | "refuse"
    bool fast_names = false;
    std::filesystem::path audit_file;  // audit_file = "audit.jsonl"; empty: to the journal alone
    bool audit_journal = false;
    bool audit_required = true;  // audit = "required" | "best-effort"
    std::string admin_group = "coffer-admin";
    std::uint32_t threads = 0;       // 0: as many as cores
    std::uint32_t max_open = 65536;  // open handles in all
    std::uint32_t max_open_per_uid = 8192;
    std::uint32_t cached_versions = 16384;            // precomputed box keys in locked memory
    std::uint64_t large_bytes_per_uid = 64ull << 20;  // locked copies of values over 16 KiB
    std::vector<TemplateFile> templates;

    [[nodiscard]] std::size_t thread_count() const;
    // That the daemon must be able to lock: the cache's keys, each thread's scratch, some for large values.
    [[nodiscard]] std::uint64_t locked_bytes_needed() const;
};

[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::filesystem::path& file);
// Refuses a file that somebody other than root and this user owns, or that group or others can write.
[[nodiscard]] Result<Config> load_config(const std::filesystem::path& file);
// `flag`, else $COFFER_CONFIG, else ~/.config/coffer/coffer.toml where it exists, else
// /etc/coffer/coffer.toml.
[[nodiscard]] std::filesystem::path find_config(const std::optional<std::filesystem::path>& flag);
// What `coffer init` writes: a commented file with every key.
[[nodiscard]] std::string write_config(const Config& config);

}  // namespace coffer
